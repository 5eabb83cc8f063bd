"""What all training rows hold in each column, counted part by part."""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from service.inference.features import Features, Floats, Texts

# So many of the commonest texts of a column are counted to the end.
MOST_TEXTS = 100_000


@dataclass(frozen=True)
class NumberCounts:
    """Of one column of numbers; `digest` tells columns apart that differ in any row."""

    missing: int
    minimum: np.float32 | None
    maximum: np.float32 | None
    digest: bytes


@dataclass(frozen=True)
class TextCounts:
    """Of one column of texts: rows of each, '' for missing; `cut` if there were too many texts."""

    rows: Mapping[str, int]
    digest: bytes
    cut: bool


@dataclass(frozen=True)
class Counts:
    """Of `rows` rows, each column of numbers and each of texts, in their order."""

    rows: int
    numbers: tuple[NumberCounts, ...]
    texts: tuple[TextCounts, ...]


class ColumnCounts:
    """Counts that rows are added to."""

    def __init__(self) -> None:
        self._rows = 0
        self._numbers: list[_Numbers] = []
        self._texts: list[_Texts] = []

    def add(self, features: Features) -> None:
        """Count these rows, too."""
        if not self._rows:
            self._numbers = [_Numbers() for _ in range(features.numeric.shape[1])]
            self._texts = [_Texts() for _ in range(features.categorical.shape[1])]
        self._rows += len(features)
        for place, number in enumerate(self._numbers):
            number.add(features.numeric[:, place])
        for place, text in enumerate(self._texts):
            text.add(features.categorical[:, place])

    def counts(self) -> Counts:
        """All that was counted."""
        return Counts(
            self._rows,
            tuple(number.counts() for number in self._numbers),
            tuple(text.counts() for text in self._texts),
        )


def counts_of(features: Features) -> Counts:
    """What these rows hold."""
    counting = ColumnCounts()
    counting.add(features)
    return counting.counts()


class _Numbers:
    def __init__(self) -> None:
        self._missing = 0
        self._low, self._high = np.float32(np.inf), np.float32(-np.inf)
        self._digest = hashlib.sha256()

    def add(self, column: Floats) -> None:
        present = column[~np.isnan(column)]
        self._missing += len(column) - len(present)
        if len(present):
            self._low = min(self._low, present.min())
            self._high = max(self._high, present.max())
        self._digest.update(np.ascontiguousarray(column).tobytes())

    def counts(self) -> NumberCounts:
        digest = self._digest.digest()
        if self._low > self._high:
            return NumberCounts(self._missing, None, None, digest)
        return NumberCounts(self._missing, self._low, self._high, digest)


class _Texts:
    def __init__(self) -> None:
        self._rows: Counter[str] = Counter()
        self._cut = False
        self._digest = hashlib.sha256()

    def add(self, column: Texts) -> None:
        cells = column.tolist()
        self._rows.update(cells)
        for cell in cells:
            self._digest.update(f"{len(cell)} {cell}".encode())
        if len(self._rows) > 2 * MOST_TEXTS:
            missing = self._rows.pop("", 0)
            self._rows = Counter(dict(self._rows.most_common(MOST_TEXTS)))
            self._rows[""] = missing
            self._cut = True

    def counts(self) -> TextCounts:
        return TextCounts(dict(self._rows), self._digest.digest(), self._cut)
