"""What is unusual about rows that are answered all the same: gaps, new categories, far numbers."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from service.inference.dates import iso_text
from service.inference.features import Features
from service.model_repository.signature import Feature, Signature

MOST_WARNINGS = 20
MISSING, UNKNOWN, BELOW, ABOVE = 1, 2, 3, 4
# Of a cell by its code, as it is counted.
KINDS = {MISSING: "missing", UNKNOWN: "unknown_category", BELOW: "out_of_range"}
Codes = npt.NDArray[np.uint8]
Counts = npt.NDArray[np.float64]
_PLACES = {code: place for place, code in enumerate(KINDS)}


class RowWarnings(NamedTuple):
    """What is unusual about one row: the first few features with a message, and how many in all."""

    listed: list[Mapping[str, str]]
    total: int


class _Text(NamedTuple):
    place: int
    column: int
    known: frozenset[str]


class Usual:
    """What training rows of a version held, feature by feature; of unused features anything is."""

    def __init__(self, signature: Signature) -> None:
        features = signature.features
        self._names = signature.names
        self._numbers = np.array([i for i, f in enumerate(features) if f.dtype != "string"], int)
        self._lowest = _bounds(signature.numbers, lowest=True)
        self._highest = _bounds(signature.numbers, lowest=False)
        self._unused = np.array([feature.unused is not None for feature in features])
        self._used = (~self._unused[self._numbers]).astype(np.float64)
        places = [i for i, f in enumerate(features) if f.dtype == "string"]
        self._texts = tuple(
            _Text(place, column, frozenset(features[place].categories or ()))
            for column, place in enumerate(places)
            if not self._unused[place]
        )
        self._messages = [_messages(feature) for feature in features]

    def count(self, features: Features, counts: Counts) -> None:
        """Add to the counts, (kinds, n_features), what is unusual among all rows."""
        x = features.numeric
        inside = np.logical_and(x >= self._lowest, x <= self._highest)
        # Faster than all() where there are few.
        if b"\0" in inside.tobytes():
            # A product is several times faster than a sum of booleans along the rows.
            rows = np.ones(len(x), dtype=np.float32)
            outside = len(x) - rows @ inside.astype(np.float32)
            missing = rows @ np.isnan(x).astype(np.float32)
            counts[_PLACES[MISSING], self._numbers] += self._used * missing
            counts[_PLACES[BELOW], self._numbers] += self._used * (outside - missing)
        for place, column, known in self._texts:
            cells = features.categorical[:, column].tolist()
            if not known.issuperset(cells):
                others = [cell for cell in cells if cell not in known]
                missing_texts = sum(not cell for cell in others)
                counts[_PLACES[MISSING], place] += missing_texts
                counts[_PLACES[UNKNOWN], place] += len(others) - missing_texts

    def no_counts(self) -> Counts:
        """Counts of no row."""
        return np.zeros((len(KINDS), len(self._names)))

    def named(self, counts: Counts) -> Iterator[tuple[str, str, int]]:
        """Feature, kind, and the number of such cells, of those that are above 0."""
        for kind, found in zip(KINDS.values(), counts, strict=True):
            for place in np.flatnonzero(found).tolist():
                yield self._names[place], kind, round(found[place])

    def warnings(self, features: Features) -> list[RowWarnings]:
        """What is to be said of every row."""
        return [self._of_row(codes) for codes in self._codes(features)]

    def _of_row(self, codes: Codes) -> RowWarnings:
        places = np.flatnonzero(codes).tolist()
        listed = [self._messages[place][int(codes[place])] for place in places[:MOST_WARNINGS]]
        return RowWarnings(listed, len(places))

    def _codes(self, features: Features) -> Codes:
        """What every cell is, (n, n_features) in the order of a row; 0 where it is usual."""
        x = features.numeric
        codes: Codes = np.zeros((len(x), len(self._names)), dtype=np.uint8)
        codes[:, self._numbers] = np.select(
            [np.isnan(x), x < self._lowest, x > self._highest], [MISSING, BELOW, ABOVE], 0
        )
        for place, column, known in self._texts:
            cells = features.categorical[:, column].tolist()
            codes[:, place] = [
                0 if cell in known else UNKNOWN if cell else MISSING for cell in cells
            ]
        codes[:, self._unused] = 0
        return codes


def _bounds(numbers: tuple[Feature, ...], *, lowest: bool) -> npt.NDArray[np.float32]:
    anything = -np.inf if lowest else np.inf
    bounds = [feature.minimum if lowest else feature.maximum for feature in numbers]
    found = [
        anything if bound is None or feature.unused is not None else bound
        for feature, bound in zip(numbers, bounds, strict=True)
    ]
    return np.array(found, dtype=np.float32)


def _messages(feature: Feature) -> dict[int, Mapping[str, str]]:
    """What is said of a cell by its code: the value is the client's own, and not repeated."""
    percent = f"{100 * feature.missing:.2g} %"
    share = f"{percent} of the training rows" if feature.missing else "no training row"
    words = {
        MISSING: f"missing, as in {share}",
        UNKNOWN: "none of the categories that the model knows",
    }
    if feature.minimum is not None and feature.maximum is not None:
        is_date = feature.dtype == "date"
        low, high = (
            iso_text(bound) if is_date else f"{bound:.9g}"
            for bound in (feature.minimum, feature.maximum)
        )
        span = f"the training range {low} to {high}"
        words |= {BELOW: f"below {span}", ABOVE: f"above {span}"}
    return {code: {"feature": feature.name, "message": text} for code, text in words.items()}
