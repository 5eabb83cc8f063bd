"""Pictures of what is inside: weights and hidden values."""

import numpy as np

from service.activations.table import TABLE
from training.report.drawing import BLUE, GREEN, picture, plain_numbers
from training.report.evidence import Evidence, Floats

_BINS = 50
_SATURATED_SHARE = 0.01


def weights(evidence: Evidence) -> bytes:
    """One histogram a linear layer."""
    layers = evidence.weights
    with picture(max(6.4, 2.4 * min(len(layers), 5)), 2.8, columns=len(layers)) as made:
        for number, (axes, values) in enumerate(zip(made.figure.axes, layers, strict=True), 1):
            counts, edges = np.histogram(values, _BINS)
            axes.stairs(counts, edges, fill=True, color=BLUE)
            shape = " x ".join(map(str, values.shape[::-1]))
            axes.set(xlabel="weight", title=f"Layer {number}: {shape}")
    return made.svg


def hidden(evidence: Evidence) -> bytes:
    """One histogram a hidden layer, with the shares of zero and of saturated values."""
    activation = evidence.manifest.network.activation
    layers = evidence.hidden
    with picture(max(6.4, 3.0 * min(len(layers), 4)), 2.8, columns=len(layers)) as made:
        for number, (axes, values) in enumerate(zip(made.figure.axes, layers, strict=True), 1):
            counts, edges = np.histogram(values, _BINS)
            axes.stairs(counts, edges, fill=True, color=GREEN)
            axes.set_yscale("symlog")
            plain_numbers(axes.yaxis)
            title = f"Hidden {number} ({activation}): {(values == 0).mean():.0%} zero"
            saturated = _saturated(values, activation)
            if saturated is not None:
                title += f", {saturated:.0%} saturated"
            axes.set(xlabel="value on test rows", title=title)
    return made.svg


def _saturated(values: Floats, activation: str) -> float | None:
    function = TABLE.get(activation)
    if function is None or function.bounds is None:
        return None
    low, high = function.bounds
    margin = _SATURATED_SHARE * (high - low)
    return float(((values <= low + margin) | (values >= high - margin)).mean())
