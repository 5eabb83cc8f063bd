"""Pictures of what the model answers on test rows."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from service.model_repository.manifest import ClassScores
from training.intervals import wilson
from training.metrics import Answers, Indices
from training.report.drawing import BLUE, GREY, INK, MUTED, ORANGE, RED, picture
from training.report.evidence import Evidence
from training.report.wording import shortened

_MOST_CLASSES, _BINS = 30, 15
_LOW = 0.5
# Areas of dots in square points: of a bin with hardly a row, and of the one with most.
_SMALLEST, _LARGEST = 8, 120


def reliability(evidence: Evidence) -> bytes:
    """Accuracy against confidence on test rows, and how many rows have which confidence.

    A dot a bin, its area by the bin's rows, with Wilson's interval; no line joins bins, of which
    some hold a row alone.
    """
    answers = Answers.of(evidence.probabilities, evidence.class_index)
    place = np.minimum((answers.confidence * _BINS).astype(int), _BINS - 1)
    count = np.bincount(place, minlength=_BINS)
    with picture(8.4, 3.6, columns=2) as made:
        left, right = made.figure.axes
        left.plot([0, 1], [0, 1], color=GREY, linestyle=":", linewidth=1)
        _dots(left, answers, place)
        left.set(
            xlim=(0, 1),
            ylim=(0, 1),
            xlabel="confidence: probability of the label",
            ylabel="accuracy, with 95 % interval",
            title=f"Reliability: calibration error (ECE) {answers.calibration_error():.3f}",
        )
        right.bar((np.arange(_BINS) + 0.5) / _BINS, count, width=0.9 / _BINS, color=BLUE)
        right.yaxis.set_major_locator(MaxNLocator(integer=True))
        right.set(
            xlim=(0, 1), xlabel="confidence", ylabel="rows", title=f"On {evidence.rows_drawn}"
        )
    return made.svg


def _dots(axes: Axes, answers: Answers, place: Indices) -> None:
    count = np.bincount(place, minlength=_BINS)
    filled = count > 0
    rows = count[filled]
    hits = np.bincount(place, weights=answers.right, minlength=_BINS)[filled]
    confidence = np.bincount(place, weights=answers.confidence, minlength=_BINS)[filled] / rows
    intervals = [wilson(*pair) for pair in zip(hits.tolist(), rows.tolist(), strict=True)]
    accuracy = hits / rows
    below = accuracy - [interval.low for interval in intervals]
    above = np.array([interval.high for interval in intervals]) - accuracy
    axes.errorbar(
        confidence,
        accuracy,
        yerr=np.maximum([below, above], 0),
        fmt="none",
        ecolor=BLUE,
        elinewidth=1,
        gid="intervals",
    )
    sizes = _SMALLEST + (_LARGEST - _SMALLEST) * rows / rows.max()
    axes.scatter(confidence, accuracy, sizes, color=BLUE, zorder=3, clip_on=False, gid="bins")


def uncertainty(evidence: Evidence) -> bytes | None:
    """Error rate by fifths of entropy; mutual information of test and of shuffled rows."""
    found, worth = evidence.uncertainty, evidence.manifest.uncertainty
    if found is None or worth is None:
        return None
    with picture(8.4, 3.4, columns=2) as made:
        left, right = made.figure.axes
        fifths = range(1, len(worth.error_by_quintile) + 1)
        left.bar(fifths, worth.error_by_quintile, color=BLUE)
        left.set_xticks(fifths)
        left.set(
            xlabel="fifth of test rows by entropy, surest first",
            ylabel="share of wrong predictions",
            title="Errors by uncertainty",
        )
        kinds = (
            (found.mutual_information, BLUE, "test rows"),
            (found.mutual_information_shuffled, ORANGE, "columns shuffled"),
        )
        highest = max(float(values.max()) for values, _, _ in kinds if values.size)
        edges = np.linspace(0, max(highest, 1e-6), 30)
        for values, color, label in kinds:
            shares = np.histogram(values, edges)[0] / max(len(values), 1)
            right.stairs(shares, edges, fill=True, color=color, alpha=0.6, label=label)
        right.set(
            xlabel="mutual information (nats)",
            ylabel="share of rows",
            title=f"Rows of another kind: separation {worth.separation:.2f}",
        )
        right.legend()
    return made.svg


def per_class(evidence: Evidence) -> bytes | None:
    """F1 of every class on test rows."""
    scores = evidence.manifest.scores.test.per_class
    if not scores or len(scores) > _MOST_CLASSES:
        return None
    with picture(6.4, 1 + 0.25 * len(scores)) as made:
        axes = made.axes
        colors = [RED if score.f1 < _LOW else BLUE for score in scores]
        axes.barh(range(len(scores)), [score.f1 for score in scores], color=colors)
        for place, score in enumerate(scores):
            _value(axes, place, score)
        axes.set_yticks(range(len(scores)), [shortened(score.label, 24) for score in scores])
        axes.set_ylim(len(scores) - 0.5, -0.5)
        low = f"; red: below {_LOW}" if any(s.f1 < _LOW for s in scores if s.rows) else ""
        axes.set(xlim=(0, 1), xlabel="F1", title=f"Each class on test rows{low}")
    return made.svg


def _value(axes: Axes, place: int, score: ClassScores) -> None:
    """The figure beside the bar; a cross where no bar can be, and no figure of no rows."""
    text, color, left = f"{score.f1:.3f}", INK, score.f1 + 0.01
    if not score.rows:
        text, color = "no test rows", MUTED
    elif score.f1 == 0:
        text, color, left = "0.000, never recognised", RED, 0.025
        axes.plot([0.01], [place], "x", color=RED, gid=f"never-recognised-{place}")
    axes.text(left, place, text, color=color, fontsize=8, va="center")
