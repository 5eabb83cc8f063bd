"""Scores of predicted probabilities against the true classes, in numpy."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from service.model_repository.manifest import ClassScores, Label, Scores

Floats = npt.NDArray[np.floating]
Indices = npt.NDArray[np.int64]

_MOST_RANKED = 30_000_000


def accuracy(probabilities: Floats, class_index: Indices) -> float:
    """The share of rows, (n, n_classes) against (n,), whose most probable class is the true one."""
    return float((probabilities.argmax(axis=1) == class_index).mean())


def log_loss(probabilities: Floats, class_index: Indices) -> float:
    """Mean negative log probability of the true class, in nats.

    A probability of 0 counts as float32's epsilon, as scikit-learn's log_loss has it.
    """
    given = probabilities[np.arange(len(class_index)), class_index].astype(np.float64)
    return float(-np.log(np.maximum(given, np.finfo(np.float32).eps)).mean())


def calibration_error(probabilities: Floats, class_index: Indices, bins: int = 15) -> float:
    """Expected calibration error of the most probable class (Guo et al. 2017, equation 3).

    The mean over rows of |accuracy - confidence| of their bin, of equally wide bins.
    """
    confidence = probabilities.max(axis=1)
    hit = probabilities.argmax(axis=1) == class_index
    place = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    gap = np.bincount(place, weights=hit - confidence.astype(np.float64), minlength=bins)
    return float(np.abs(gap).sum() / len(class_index))


def confusion(probabilities: Floats, class_index: Indices) -> Indices:
    """Rows counted by true class (first axis) and predicted class, (n_classes, n_classes)."""
    classes = probabilities.shape[1]
    pairs = class_index * classes + probabilities.argmax(axis=1)
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def score(probabilities: Floats, class_index: Indices, labels: Sequence[Label]) -> Scores:
    """All scores on these rows, and of each class.

    Areas under the ROC curve and average precision are left out of more than 30 million
    probabilities: they sort each class's.
    """
    classes = len(labels)
    named = probabilities.argmax(axis=1)
    true = np.bincount(class_index, minlength=classes)
    predicted = np.bincount(named, minlength=classes)
    hits = np.bincount(class_index[named == class_index], minlength=classes)
    ranked = [_ranking(probabilities, class_index, true, number) for number in range(classes)]
    # Of two classes one tells all: the second, as a rule "yes", "true" or 1.
    areas, precisions = zip(*(ranked[1:] if classes == 2 else ranked), strict=True)
    return Scores(
        rows=len(class_index),
        accuracy=accuracy(probabilities, class_index),
        log_loss=log_loss(probabilities, class_index),
        per_class=tuple(
            ClassScores(
                label=label,
                precision=_ratio(hits[i], predicted[i]),
                recall=_ratio(hits[i], true[i]),
                f1=_ratio(2 * hits[i], predicted[i] + true[i]),
                rows=int(true[i]),
                roc_auc=ranked[i][0],
                average_precision=ranked[i][1],
            )
            for i, label in enumerate(labels)
        ),
        majority=_ratio(true.max(), len(class_index)),
        roc_auc=_mean(areas),
        average_precision=_mean(precisions),
    )


def _ranking(
    probabilities: Floats, class_index: Indices, true: Indices, number: int
) -> tuple[float | None, float | None]:
    """Area under the ROC curve and average precision of one class against the rest.

    Thresholds are the different probabilities (Fawcett 2006, algorithm 3); average precision is
    the mean of precision over steps of recall, without interpolation.
    """
    if not 0 < true[number] < len(class_index) or probabilities.size > _MOST_RANKED:
        return None, None
    column = probabilities[:, number]
    order = np.argsort(-column, kind="stable")
    falling = column[order]
    last = np.append(np.flatnonzero(np.diff(falling)), len(falling) - 1)
    hits = np.cumsum(class_index[order] == number)[last]
    recall = np.append(0.0, hits / true[number])
    false_alarms = np.append(0.0, (last + 1 - hits) / (len(class_index) - true[number]))
    area = float(np.trapezoid(recall, false_alarms))
    precision = float((np.diff(recall) * hits / (last + 1)).sum())
    # Sums of shares may end a rounding error above 1.
    return min(area, 1.0), min(precision, 1.0)


def _mean(values: Sequence[float | None]) -> float | None:
    found = [value for value in values if value is not None]
    return float(np.mean(found)) if found else None


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0
