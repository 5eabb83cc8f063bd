"""Pictures of what the model answers on test rows."""

import numpy as np

from training.metrics import calibration_error, confusion
from training.report.drawing import BLUE, GREY, ORANGE, RED, picture, shortened
from training.report.evidence import Evidence

_MOST_CLASSES, _PAIRS, _BINS = 30, 15, 15


def confusions(evidence: Evidence) -> bytes:
    """Rows by true and predicted class; of very many classes the most confused pairs."""
    labels = [shortened(label, 18) for label in evidence.manifest.labels]
    counts = confusion(evidence.probabilities, evidence.class_index)
    return _pairs(labels, counts) if len(labels) > _MOST_CLASSES else _matrix(labels, counts)


def _matrix(labels: list[str], counts: np.ndarray) -> bytes:
    side = 2.2 + 0.33 * len(labels)
    with picture(side + 0.6, side) as made:
        axes = made.axes
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        axes.pcolormesh(shares, cmap="Blues", vmin=0, vmax=1, edgecolors="white", linewidth=0.5)
        for (row, column), count in np.ndenumerate(counts):
            if count:
                color = "white" if shares[row, column] > 0.6 else "black"
                axes.text(
                    column + 0.5, row + 0.5, f"{count}",
                    ha="center", va="center", color=color, fontsize=7,
                )  # fmt: skip
        places = np.arange(len(labels)) + 0.5
        axes.set_xticks(places, labels, rotation=90 if max(map(len, labels)) > 3 else 0)
        axes.set_yticks(places, labels)
        axes.invert_yaxis()
        axes.set(xlabel="predicted", ylabel="true", title="Test rows by true and predicted class")
    return made.svg


def _pairs(labels: list[str], counts: np.ndarray) -> bytes:
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:_PAIRS]
    rows, columns = np.unravel_index(order, wrong.shape)
    with picture(6.4, 1 + 0.25 * _PAIRS) as made:
        axes = made.axes
        names = [f"{labels[r]} taken for {labels[c]}" for r, c in zip(rows, columns, strict=True)]
        axes.barh(range(len(names)), wrong[rows, columns], color=BLUE)
        axes.set_yticks(range(len(names)), names)
        axes.invert_yaxis()
        axes.set(xlabel="test rows", title="The most confused pairs of classes")
    return made.svg


def reliability(evidence: Evidence) -> bytes:
    """Accuracy against confidence on test rows, and how many rows have which confidence."""
    confidence = evidence.probabilities.max(axis=1)
    hit = evidence.probabilities.argmax(axis=1) == evidence.class_index
    place = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    count = np.bincount(place, minlength=_BINS)
    filled = count > 0
    accuracy = np.bincount(place, weights=hit, minlength=_BINS)[filled] / count[filled]
    mean = np.bincount(place, weights=confidence, minlength=_BINS)[filled] / count[filled]
    error = calibration_error(evidence.probabilities, evidence.class_index)
    with picture(8.0, 3.6, columns=2) as made:
        left, right = made.figure.axes
        left.plot([0, 1], [0, 1], color=GREY, linestyle=":", linewidth=1)
        left.plot(mean, accuracy, "o-", color=BLUE)
        left.set(
            xlim=(0, 1),
            ylim=(0, 1.02),
            xlabel="confidence",
            ylabel="accuracy",
            title=f"Reliability on test rows: calibration error {error:.3f}",
        )
        right.bar((np.arange(_BINS) + 0.5) / _BINS, count, width=0.9 / _BINS, color=BLUE)
        right.set(xlim=(0, 1), xlabel="confidence", ylabel="test rows", title="How sure it is")
    return made.svg


def uncertainty(evidence: Evidence) -> bytes | None:
    """Error rate by fifths of entropy; mutual information of test and of shuffled rows."""
    found, worth = evidence.uncertainty, evidence.manifest.uncertainty
    if found is None or worth is None:
        return None
    with picture(8.0, 3.4, columns=2) as made:
        left, right = made.figure.axes
        left.bar(range(1, 6), worth.error_by_quintile, color=BLUE)
        left.set(
            xlabel="fifth of test rows by entropy, surest first",
            ylabel="share of wrong predictions",
            title="Error against uncertainty",
        )
        both = np.concatenate([found.mutual_information, found.mutual_information_shuffled])
        edges = np.linspace(0, max(float(both.max()), 1e-6), 30).tolist()
        for values, color, label in (
            (found.mutual_information, BLUE, "test rows"),
            (found.mutual_information_shuffled, ORANGE, "columns shuffled"),
        ):
            share = np.full(len(values), 1 / max(len(values), 1))
            right.hist(values, edges, weights=share, color=color, alpha=0.6, label=label)
        right.set(
            xlabel="mutual information (nats)",
            ylabel="share of rows",
            title=f"Rows of another kind: told apart {worth.separation:.0%}",
        )
        right.legend()
    return made.svg


def per_class(evidence: Evidence) -> bytes | None:
    """F1 of every class on test rows."""
    scores = evidence.manifest.scores.test.per_class
    if len(scores) > _MOST_CLASSES:
        return None
    with picture(6.4, 1 + 0.25 * len(scores)) as made:
        axes = made.axes
        colors = [RED if score.f1 < 0.5 else BLUE for score in scores]
        axes.barh(range(len(scores)), [score.f1 for score in scores], color=colors)
        axes.set_yticks(range(len(scores)), [shortened(score.label, 24) for score in scores])
        axes.invert_yaxis()
        axes.set(xlim=(0, 1), xlabel="F1", title="Each class on test rows")
    return made.svg
