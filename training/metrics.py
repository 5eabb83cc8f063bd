"""Scores of predicted probabilities against the true classes, in numpy."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from service.model_repository.manifest import ClassScores, Label, Scores

Floats = npt.NDArray[np.floating]
Indices = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]

# What a probability of 0 counts as in a log-loss, as scikit-learn has it.
LEAST = np.finfo(np.float32).eps

_MOST_RANKED = 30_000_000


@dataclass(frozen=True)
class Answers:
    """What most scores need of probabilities, (n, n_classes), and true classes: (n,) each.

    `given` is how probable the true class is, `named` the most probable class, `confidence` how
    probable that is.
    """

    class_index: Indices
    given: Floats
    named: Indices
    confidence: Floats

    @classmethod
    def of(cls, probabilities: Floats, class_index: Indices) -> "Answers":
        """Those of some rows."""
        rows, named = np.arange(len(class_index)), probabilities.argmax(axis=1)
        given, confidence = probabilities[rows, class_index], probabilities[rows, named]
        return cls(class_index, given, named, confidence)

    @classmethod
    def of_parts(cls, parts: Iterable[Floats], class_index: Indices) -> "Answers":
        """Those of all rows, of which one part after the other is made and let go."""
        found, start = [], 0
        for part in parts:
            found.append(cls.of(part, class_index[start : start + len(part)]))
            start += len(part)
        return cls(
            class_index,
            np.concatenate([each.given for each in found]),
            np.concatenate([each.named for each in found]),
            np.concatenate([each.confidence for each in found]),
        )

    def __len__(self) -> int:
        return len(self.class_index)

    @property
    def right(self) -> Booleans:
        """Of which rows the most probable class is the true one."""
        return np.asarray(self.named == self.class_index)

    @property
    def losses(self) -> Floats:
        """Each row's negative log probability of its true class, in nats.

        A probability of 0 counts as float32's epsilon, as scikit-learn's log_loss has it.
        """
        given = self.given.astype(np.float64)
        return np.asarray(-np.log(np.maximum(given, LEAST)))

    @property
    def accuracy(self) -> float:
        """The share of rows that are right."""
        return float(self.right.mean())

    @property
    def log_loss(self) -> float:
        """The mean loss, in nats."""
        return float(self.losses.mean())

    def calibration_error(self, bins: int = 15) -> float:
        """Expected calibration error of the most probable class (Guo et al. 2017, equation 3).

        The mean over rows of |accuracy - confidence| of their bin, of equally wide bins.
        """
        place = np.minimum((self.confidence * bins).astype(np.int64), bins - 1)
        gaps: Floats = self.right - self.confidence.astype(np.float64)
        gap = np.bincount(place, weights=gaps, minlength=bins)
        return float(np.abs(gap).sum() / len(self))


def confusion(probabilities: Floats, class_index: Indices) -> Indices:
    """Rows counted by true class (first axis) and predicted class, (n_classes, n_classes)."""
    classes = probabilities.shape[1]
    pairs = class_index * classes + probabilities.argmax(axis=1)
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def score(
    probabilities: Floats | Iterable[Floats], class_index: Indices, labels: Sequence[Label]
) -> Scores:
    """All scores on these rows, and of each class, of (n, n_classes) or of its parts in order.

    Areas under the ROC curve and average precision are left out of more than 30 million
    probabilities: they sort each class's.
    """
    parts = [probabilities] if isinstance(probabilities, np.ndarray) else probabilities
    classes = len(labels)
    true = np.bincount(class_index, minlength=classes)
    ranked: list[tuple[float | None, float | None]] = [(None, None)] * classes
    if len(class_index) * classes <= _MOST_RANKED:
        whole = np.concatenate(list(parts))
        answers = Answers.of(whole, class_index)
        ranked = [_ranking(whole, class_index, true, number) for number in range(classes)]
    else:
        answers = Answers.of_parts(parts, class_index)
    predicted = np.bincount(answers.named, minlength=classes)
    hits = np.bincount(class_index[answers.right], minlength=classes)
    # Of two classes one tells all: the second, as a rule "yes", "true" or 1.
    areas, precisions = zip(*(ranked[1:] if classes == 2 else ranked), strict=True)
    return Scores(
        rows=len(class_index),
        accuracy=answers.accuracy,
        log_loss=answers.log_loss,
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
    if not 0 < true[number] < len(class_index):
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
