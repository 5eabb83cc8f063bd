"""The picture of which class is taken for which."""

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Affine2D

from training.metrics import Indices, confusion
from training.report.drawing import BLUE, picture
from training.report.evidence import Evidence
from training.report.wording import shortened

_MOST_CLASSES, _PAIRS, _SHADES = 30, 15, 16


def confusions(evidence: Evidence) -> bytes:
    """Rows by true and predicted class; of very many classes the most confused pairs."""
    labels = [shortened(label, 18) for label in evidence.manifest.labels]
    if len(labels) > _MOST_CLASSES:
        return _pairs(labels, evidence)
    counts = confusion(evidence.probabilities, evidence.class_index)
    return _matrix(labels, counts, evidence.rows_drawn)


def _matrix(labels: list[str], counts: Indices, rows_drawn: str) -> bytes:
    side = 2.2 + 0.33 * len(labels)
    with picture(side + 0.6, side) as made:
        axes = made.axes
        _cells(axes, counts)
        places = np.arange(len(labels)) + 0.5
        axes.set_xticks(places, labels, rotation=90 if max(map(len, labels)) > 3 else 0)
        axes.set_yticks(places, labels)
        axes.set(xlim=(0, len(labels)), ylim=(len(labels), 0), xlabel="predicted", ylabel="true")
        # A small matrix is narrower than its title.
        made.figure.suptitle(
            f"{rows_drawn[0].upper()}{rows_drawn[1:]} by true and predicted class", fontsize=10
        )
    return made.svg


def _cells(axes: Axes, counts: Indices) -> None:
    """Every count, on a square with the shade of its share of the row."""
    shades = colormaps["Blues"]
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    levels = np.rint(shares * _SHADES).astype(int)
    axes.set_facecolor(shades(0.0))
    # One path a shade: a square each would make the picture three times as large.
    for level in np.unique(levels[levels > 0]).tolist():
        rows, columns = np.nonzero(levels == level)
        squares = [
            Path.unit_rectangle().transformed(Affine2D().translate(c, r))
            for r, c in zip(rows.tolist(), columns.tolist(), strict=True)
        ]
        color = shades(level / _SHADES)
        path = Path.make_compound_path(*squares)
        axes.add_patch(PathPatch(path, facecolor=color, edgecolor="white", linewidth=0.5))
    for row, column in np.argwhere(counts).tolist():
        axes.text(
            column + 0.5,
            row + 0.5,
            f"{counts[row, column]}",
            ha="center",
            va="center",
            color="white" if shares[row, column] > 0.6 else "black",
            fontsize=7,
        )


def _pairs(labels: list[str], evidence: Evidence) -> bytes:
    true, named = evidence.class_index, evidence.probabilities.argmax(axis=1)
    # Not out of a matrix, which of 10,000 classes would take 800 MB.
    wrong = true != named
    pairs, counts = np.unique(true[wrong] * len(labels) + named[wrong], return_counts=True)
    order = np.argsort(-counts, kind="stable")[:_PAIRS]
    rows, columns = np.divmod(pairs[order], len(labels))
    with picture(6.4, 1.2 + 0.25 * max(len(order), 1)) as made:
        axes = made.axes
        names = [f"{labels[r]} taken for {labels[c]}" for r, c in zip(rows, columns, strict=True)]
        axes.barh(range(len(names)), counts[order], color=BLUE)
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(max(len(names), 1) - 0.5, -0.5)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        title = f"The most confused of {len(labels)} classes" if names else "No class is confused"
        axes.set(xlabel=evidence.rows_drawn, title=title)
        if not names:
            axes.set_axis_off()
    return made.svg
