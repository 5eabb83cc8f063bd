"""Raw rows as arrays: what a codec decodes to, a graph takes, and training learns from."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from service.inference.dates import read_date
from service.inference.spelling import Spelling
from service.model_repository.signature import (
    CATEGORICAL,
    Cell,
    Feature,
    NumberFormat,
    Signature,
)

Floats = npt.NDArray[np.float32]
Texts = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Features:
    """Numbers, (n, n_numeric), NaN where missing; text, (n, n_categorical), "" where missing.

    A date is a number: of days since 1970-01-01.
    """

    numeric: Floats
    categorical: Texts

    def __len__(self) -> int:
        return len(self.numeric)

    def __getitem__(self, rows: slice | npt.NDArray[np.int64]) -> "Features":
        return Features(self.numeric[rows], self.categorical[rows])

    def tensors(self, inputs: Iterable[str]) -> dict[str, npt.NDArray[np.generic]]:
        """The arrays by the names of the graph's inputs."""
        return {name: self.categorical if name == CATEGORICAL else self.numeric for name in inputs}


def numbers_only(numeric: Floats) -> Features:
    """The features of a table without text."""
    count = len(numeric)
    return Features(numeric, _NO_TEXT if count == 1 else np.empty((count, 0), dtype=object))


_NO_TEXT: Texts = np.empty((1, 0), dtype=object)


def joined(parts: Sequence[Features]) -> Features:
    """The rows of all parts, in order."""
    numeric = np.concatenate([part.numeric for part in parts])
    if not parts[0].categorical.shape[1]:
        return numbers_only(numeric)
    return Features(numeric, np.concatenate([part.categorical for part in parts]))


@dataclass(frozen=True)
class RowFormat:
    """What a row must look like: feature names in order, and the places of numbers, text, dates.

    The features in the places of `required` must be there, for the reason that it gives, and of an
    object those `left_out` may be. `booleans` are the places where JSON's false and true stand for
    these texts; `spellings` say how text is read. `required_texts` are the columns of the
    categorical input whose features must be there. The columns of the numeric input are those of
    `numeric`, numbers and dates. A date is missing if it is one of `missing_texts`. `plain` rows
    are of numbers alone. `written` says of numbers that text in the table wrote what to send.
    """

    names: tuple[str, ...]
    known: frozenset[str]
    left_out: frozenset[str]
    required: Mapping[int, str]
    booleans: Mapping[int, tuple[str, str]]
    spellings: Mapping[int, Spelling]
    numbers: tuple[int, ...]
    texts: tuple[int, ...]
    required_texts: tuple[int, ...]
    dates: tuple[int, ...]
    numeric: tuple[int, ...]
    missing_texts: frozenset[str]
    plain: bool
    written: Mapping[int, str]


def row_format(signature: Signature) -> RowFormat:
    """The rows that a model with this signature takes."""
    features = signature.features
    required = {
        i: why_required(f) for i, f in enumerate(features) if not signature.may_be_missing(f)
    }
    texts, numbers, dates = (
        tuple(i for i, f in enumerate(features) if f.dtype == dtype)
        for dtype in ("string", "float32", "date")
    )
    return RowFormat(
        names=signature.names,
        known=frozenset(signature.names),
        left_out=frozenset(signature.left_out),
        required=required,
        booleans={i: spelling for i, f in enumerate(features) if (spelling := _spelling(f))},
        spellings={
            i: Spelling(f, signature) for i, f in enumerate(features) if f.dtype == "string"
        },
        numbers=numbers,
        texts=texts,
        required_texts=tuple(column for column, i in enumerate(texts) if i in required),
        dates=dates,
        numeric=tuple(sorted((*numbers, *dates))),
        missing_texts=frozenset(signature.missing_texts),
        plain=not texts and not dates,
        written={i: _to_send(f.written) for i, f in enumerate(features) if f.written is not None},
    )


def _to_send(written: NumberFormat) -> str:
    number, text = written.example
    return f" such as {number:g}, where the table has {json.dumps(text, ensure_ascii=False)}"


def why_required(feature: Feature) -> str:
    """Why a row must have this feature."""
    if feature.missing:
        return "this version was exported to take no gaps"
    return "no training row had a gap here"


def _spelling(feature: Feature) -> tuple[str, str] | None:
    found = {category.lower(): category for category in feature.categories or ()}
    if (
        not found
        or not found.keys() <= {"false", "true"}
        or len(found) < len(feature.categories or ())
    ):
        return None
    return found.get("false", "false"), found.get("true", "true")


def from_cells(rows: Sequence[Sequence[Cell]], form: RowFormat) -> Features:
    """Rows of cells in the order of the features; None is missing, and dates are as in requests."""
    if form.dates:
        rows = [with_days(row, form) for row in rows]
    wide = np.array([[row[i] for i in form.numeric] for row in rows], dtype=np.float64)
    texts = [
        ["" if row[i] is None else form.spellings[i].read(str(row[i])) for i in form.texts]
        for row in rows
    ]
    return Features(
        wide.reshape(len(rows), len(form.numeric)).astype(np.float32),
        np.array(texts, dtype=object).reshape(len(rows), len(form.texts)),
    )


def with_days(row: Sequence[object], form: RowFormat) -> list[Any]:
    """A row with the days of its dates in their place, NaN for what is no date."""
    cells = list(row)
    for place in form.dates:
        cell = cells[place]
        days = read_date(cell, form.missing_texts) if isinstance(cell, str) else None
        cells[place] = math.nan if days is None else days
    return cells
