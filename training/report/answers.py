"""Pictures of what the model answers on test rows."""

import numpy as np

from training.metrics import Answers
from training.report.drawing import BLUE, GREY, ORANGE, RED, picture
from training.report.evidence import Evidence
from training.report.wording import shortened

_MOST_CLASSES, _BINS = 30, 15


def reliability(evidence: Evidence) -> bytes:
    """Accuracy against confidence on test rows, and how many rows have which confidence."""
    answers = Answers.of(evidence.probabilities, evidence.class_index)
    confidence, hit = answers.confidence, answers.right
    place = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    count = np.bincount(place, minlength=_BINS)
    filled = count > 0
    accuracy = np.bincount(place, weights=hit, minlength=_BINS)[filled] / count[filled]
    mean = np.bincount(place, weights=confidence, minlength=_BINS)[filled] / count[filled]
    with picture(8.4, 3.8, columns=2) as made:
        left, right = made.figure.axes
        left.plot([0, 1], [0, 1], color=GREY, linestyle=":", linewidth=1)
        left.plot(mean, accuracy, "o-", color=BLUE)
        left.set(
            xlim=(0, 1.02),
            ylim=(0, 1.02),
            xlabel="confidence: probability of the label",
            ylabel="accuracy",
            title=f"Reliability: calibration error (ECE) {answers.calibration_error():.3f}",
        )
        right.bar((np.arange(_BINS) + 0.5) / _BINS, count, width=0.9 / _BINS, color=BLUE)
        right.set(
            xlim=(0, 1.02), xlabel="confidence", ylabel="rows", title=f"On {evidence.rows_drawn}"
        )
        made.figure.supxlabel(_calibrated(evidence), fontsize=8, color="#404040")
    return made.svg


def _calibrated(evidence: Evidence) -> str:
    found = evidence.manifest.calibration
    if found is None:
        return ""
    return (
        f"temperature {found.temperature:.3g}; ECE on validation rows "
        f"{found.calibration_error_before:.3f} before it, {found.calibration_error_after:.3f} after"
    )


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
        colors = [RED if score.f1 < 0.5 else BLUE for score in scores]
        axes.barh(range(len(scores)), [score.f1 for score in scores], color=colors)
        axes.set_yticks(range(len(scores)), [shortened(score.label, 24) for score in scores])
        axes.set_ylim(len(scores) - 0.5, -0.5)
        low = "; red: below 0.5" if RED in colors else ""
        axes.set(xlim=(0, 1), xlabel="F1", title=f"Each class on test rows{low}")
    return made.svg
