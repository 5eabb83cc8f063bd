"""Pictures of what is inside: weights and hidden values."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from matplotlib.axes import Axes

from service.activations.table import TABLE
from training.report.drawing import BLUE, GREEN, Picture, picture, plain_numbers
from training.report.evidence import Evidence, Floats

_BINS, _MOST_LAYERS, _COLUMNS = 50, 12, 4
_SATURATED_SHARE = 0.01

# The number of a layer, from 1, its shape and its finite values.
Layer = tuple[int, tuple[int, ...], Floats]


def weights(evidence: Evidence) -> bytes | None:
    """One histogram a linear layer."""
    layers = _layers(evidence.weights)
    if not layers:
        return None
    with _panels(layers) as made:
        for axes, (number, shape, values) in zip(made.figure.axes, layers, strict=True):
            _histogram(axes, values, BLUE)
            size = " × ".join(map(str, shape[::-1]))
            axes.set(xlabel="weight", ylabel="weights", title=f"Layer {number}: {size}")
    return made.svg


def hidden(evidence: Evidence) -> bytes | None:
    """One histogram a hidden layer, with the shares of zero and of saturated values."""
    activation = evidence.manifest.network.activation
    layers = _layers(evidence.hidden)
    if not layers:
        return None
    with _panels(layers) as made:
        for axes, (number, _, values) in zip(made.figure.axes, layers, strict=True):
            _histogram(axes, values, GREEN)
            axes.set_yscale("symlog")
            plain_numbers(axes.yaxis)
            title = f"Hidden {number} ({activation})\n{(values == 0).mean():.0%} zero"
            saturated = _saturated(values, activation)
            if saturated is not None:
                title += f", {saturated:.0%} saturated"
            axes.set(xlabel="value on test rows", ylabel="values", title=title)
    return made.svg


def _layers(arrays: Sequence[Floats]) -> list[Layer]:
    """Those that hold anything; of very many, an even choice from the first to the last."""
    found = [
        (number, values.shape, finite)
        for number, values in enumerate(arrays, 1)
        if (finite := values[np.isfinite(values)].astype(np.float64)).size
    ]
    chosen = np.linspace(0, len(found) - 1, min(len(found), _MOST_LAYERS)).round().astype(int)
    return [found[place] for place in chosen]


@contextmanager
def _panels(layers: Sequence[Layer]) -> Iterator[Picture]:
    """Axes for so many histograms, in rows."""
    columns = min(len(layers), _COLUMNS)
    rows = -(-len(layers) // columns)
    width = max(5.0, 2.9 * columns)
    with picture(width, 0.2 + 2.6 * rows, columns=columns, panels=len(layers)) as made:
        yield made


def _histogram(axes: Axes, values: Floats, color: str) -> None:
    low, high = float(values.min()), float(values.max())
    # Nearly equal values would leave no room between the edges.
    least = 1e-6 * max(abs(low), abs(high)) or 1e-6
    pad = max(0.0, (least - (high - low)) / 2)
    counts, edges = np.histogram(values, _BINS, range=(low - pad, high + pad))
    axes.stairs(counts, edges, fill=True, color=color)


def _saturated(values: Floats, activation: str) -> float | None:
    function = TABLE.get(activation)
    if function is None or function.bounds is None:
        return None
    low, high = function.bounds
    margin = _SATURATED_SHARE * (high - low)
    return float(((values <= low + margin) | (values >= high - margin)).mean())
