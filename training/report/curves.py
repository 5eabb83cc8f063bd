"""Pictures of how a fit went over epochs and rows: losses, gradients, the learning curve."""

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_hex

from training.report.drawing import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    RED,
    log_numbers,
    picture,
    plain_numbers,
)
from training.report.evidence import Evidence

_MOST_POINTS, _NAMED_LAYERS = 1000, 8


def losses(evidence: Evidence) -> bytes:
    """Training and validation loss over epochs, with the best epoch."""
    history = evidence.manifest.history
    best = history.best_epoch
    drawn = _thinned(len(history.epochs), _MOST_POINTS, always=best - 1)
    with picture() as made:
        axes = made.axes
        for name, color in (("training", BLUE), ("validation", ORANGE)):
            values = [getattr(history.epochs[i], f"{name}_loss") for i in drawn]
            axes.plot(drawn + 1, values, color=color, label=name)
        axes.axvline(best, color=GREY, linestyle=":", linewidth=1)
        axes.plot(
            [best],
            [history.epochs[best - 1].validation_loss],
            "o",
            color=RED,
            label=f"best epoch: {best}",
            gid="best-epoch",
        )
        means = ", mean over folds" if evidence.manifest.selection is not None else ""
        axes.set(xlabel="epoch", ylabel="loss (nats)", title=f"Loss after each epoch{means}")
        axes.set_ylim(bottom=0)
        axes.legend()
    return made.svg


def gradients(evidence: Evidence) -> bytes | None:
    """The gradient norm of every layer over epochs; an epoch without norms leaves a gap."""
    norms = [epoch.gradient_norms for epoch in evidence.manifest.history.epochs]
    layers = max(map(len, norms))
    found = np.array([n if len(n) == layers else [np.nan] * layers for n in norms], dtype=float)
    found[~(found > 0)] = np.nan
    if np.isnan(found).all():
        return None
    drawn = _thinned(len(found), max(_MOST_POINTS // layers, 100), always=0)
    with picture(7.4) as made:
        axes = made.axes
        named = set(_thinned(layers, _NAMED_LAYERS, always=0).tolist())
        for layer, color in enumerate(_colors(layers)):
            label = f"layer {layer + 1}" if layer in named else None
            # A single epoch is a point, which a line does not show.
            style = "o-" if len(drawn) == 1 else "-"
            axes.plot(drawn + 1, found[drawn, layer], style, color=color, label=label)
        log_numbers(axes, float(np.nanmin(found)), float(np.nanmax(found)))
        axes.set(
            xlabel="epoch",
            ylabel="norm (nats per unit of weight)",
            title="Gradient of each layer's weights, mid-epoch",
        )
        made.figure.legend(loc="outside right upper")
    return made.svg


def rows_curve(evidence: Evidence) -> bytes | None:
    """Validation log-loss against the number of training rows."""
    points = [point for point in evidence.manifest.learning_curve if point.log_losses]
    if not points:
        return None
    rows = [point.rows for point in points]
    means = [float(np.mean(point.log_losses)) for point in points]
    errors = [float(np.std(point.log_losses)) for point in points]
    with picture() as made:
        axes = made.axes
        axes.errorbar(rows, means, yerr=errors, fmt="o-", color=BLUE, capsize=3, clip_on=False)
        axes.set_xscale("log")
        plain_numbers(axes.xaxis)
        axes.set_xticks(rows, [f"{count:,}" for count in rows])
        axes.minorticks_off()
        if len(rows) > 1:
            axes.set_xlim(min(rows), max(rows))
        axes.set(
            xlabel="training rows",
            ylabel="validation log-loss (nats)",
            title="What more rows bring: mean and standard deviation over folds",
        )
        axes.set_ylim(bottom=0)
    return made.svg


def _thinned(count: int, most: int, *, always: int) -> np.ndarray:
    """Places of up to about `most` of `count` things, evenly spread; the last one and `always`."""
    step = -(-count // most)
    return np.unique([*range(0, count, step), count - 1, min(always, count - 1)])


def _colors(count: int) -> list[str]:
    """Told apart by name where there are few, by order where there are many."""
    few = [BLUE, ORANGE, GREEN, RED, GREY]
    if count <= len(few):
        return few[:count]
    return [to_hex(colormaps["cividis"](place)) for place in np.linspace(0, 0.95, count)]
