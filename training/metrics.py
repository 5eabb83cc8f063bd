"""Scores of predicted probabilities against the true classes, in numpy."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from service.model_repository.manifest import ClassScores, Label, Scores

Floats = npt.NDArray[np.floating]
Indices = npt.NDArray[np.int64]


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
    """All scores on these rows; precision, recall and F1 of each class."""
    counts = confusion(probabilities, class_index)
    hits, predicted, true = np.diag(counts), counts.sum(axis=0), counts.sum(axis=1)
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
            )
            for i, label in enumerate(labels)
        ),
    )


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0
