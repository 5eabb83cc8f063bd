"""Typed columns out of a frame, and their values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from service.inference.features import Features, Floats, Texts
from service.inference.spelling import BLANKS, folded
from training.errors import Problem, invalid_table
from training.inputs import Column
from training.tables.date_cells import written
from training.tables.days import days_of_moments, days_of_texts
from training.tables.gap_words import quoted
from training.tables.kinds import Asked, kinds_of, looked_at
from training.tables.table import MISSING_TEXTS
from training.tables.text_cells import look_at
from training.tables.written import read_numbers

_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Typed:
    """Columns with their values, and those that were left out on the way, with a word."""

    columns: tuple[Column, ...]
    features: Features
    left_out: tuple[str, ...]
    notes: tuple[str, ...]


def typed_columns(source: str, frame: pl.DataFrame, asked: Asked) -> Typed:
    """Infer the type of every column, as far as `asked` does not give it. Raises TableInvalid."""
    missing = markers(asked)
    cells = {
        name: look_at(without_markers(frame.get_column(name), missing))
        for name in looked_at(frame.schema, asked)
    }
    kinds = kinds_of(source, frame.schema, asked, cells)
    features, problems = _values(frame, kinds.columns, missing, first_row=0)
    if problems or kinds.problems:
        raise invalid_table(source, (*kinds.problems, *problems))
    return Typed(kinds.columns, features, kinds.left_out, kinds.notes)


def markers(asked: Asked) -> tuple[str, ...]:
    """All texts that say in a file that a cell is empty."""
    return tuple(dict.fromkeys((*MISSING_TEXTS, *asked.missing)))


def values_of(
    source: str,
    frame: pl.DataFrame,
    columns: Sequence[Column],
    missing: Sequence[str] = MISSING_TEXTS,
    *,
    first_row: int = 0,
) -> Features:
    """The values of these columns, whatever else is in the frame. Raises TableInvalid.

    The frame begins after `first_row` rows of its file.
    """
    features, problems = _values(frame, columns, missing, first_row)
    if problems:
        raise invalid_table(source, problems)
    return features


def _values(
    frame: pl.DataFrame, columns: Sequence[Column], missing: Sequence[str], first_row: int
) -> tuple[Features, list[Problem]]:
    """The values, and a word on every column that has some wrong ones."""
    height = frame.height
    numbers = [c for c in columns if not c.is_text]
    texts = [c for c in columns if c.is_text]
    problems = []
    numeric: Floats = np.zeros((height, len(numbers)), dtype=np.float32)
    categorical: Texts = np.empty((height, len(texts)), dtype=object)
    for place, column in enumerate(numbers):
        read = _dates if column.kind == "date" else _numbers
        try:
            numeric[:, place] = read(frame.get_column(column.name), column, missing, first_row)
        except _Unreadable as exc:
            problems.append(Problem(str(exc), exc.settles))
    for place, column in enumerate(texts):
        try:
            categorical[:, place] = _texts(frame.get_column(column.name), column, missing)
        except _Unreadable as exc:
            problems.append(Problem(str(exc), exc.settles))
    return Features(numeric, categorical), problems


def without_markers(cells: pl.Series, missing: Sequence[str] = MISSING_TEXTS) -> pl.Series:
    """Text with its blanks cut off, and null where it says that it is missing.

    As service.inference.spelling reads the text of a request.
    """
    text = cells.cast(pl.String).str.strip_chars(BLANKS)
    return text.set(text.is_in(["", *missing]), None)


def is_whole(cells: pl.Series) -> bool:
    """Whether floats are whole numbers, of those that integers hold, or missing."""
    present = cells.fill_nan(None).drop_nulls()
    return bool(((present % 1 == 0) & (present.abs() < 2**63)).all())


class _Unreadable(Exception):
    """The cells of one column are not what they should be; `settles` as a Problem has it."""

    def __init__(self, message: str, settles: Mapping[str, tuple[str, ...]] | None = None) -> None:
        super().__init__(message)
        self.settles = settles or {}


def _numbers(
    cells: pl.Series, column: Column, missing: Sequence[str], first_row: int
) -> npt.NDArray[np.float64]:
    """Float64 values, NaN where missing."""
    name = column.name
    if cells.dtype == pl.String:
        cells = without_markers(cells, missing)
    elif not (cells.dtype.is_numeric() or cells.dtype in (pl.Boolean, pl.Null)):
        raise _Unreadable(f"column '{name}': expected numbers, got {cells.dtype}")
    if cells.dtype == pl.String and column.written is not None:
        numbers = read_numbers(cells, column.written.decimal)
    else:
        numbers = cells.cast(pl.Float64, strict=False)
    values = numbers.fill_null(float("nan")).to_numpy()
    wrong = (np.isnan(values) & cells.is_not_null().to_numpy()) | (np.abs(values) > _LARGEST)
    if cells.dtype.is_float():
        wrong &= ~np.isnan(values)
    if wrong.any():
        row = int(wrong.argmax())
        raise _Unreadable(
            f"row {first_row + row + 1}, column '{name}': expected a number within "
            f"float32, got '{str(cells[row])[:40]}' ({int(wrong.sum())} such cells in rows "
            f"{first_row + 1} to {first_row + len(cells)})"
        )
    return np.asarray(values, dtype=np.float64)


def _dates(
    cells: pl.Series, column: Column, missing: Sequence[str], first_row: int
) -> npt.NDArray[np.float64]:
    """Days since 1970-01-01, NaN where missing."""
    name = column.name
    if cells.dtype in (pl.Date, pl.Datetime):
        return days_of_moments(cells)
    if cells.dtype == pl.Null:
        return np.full(len(cells), np.nan)
    if cells.dtype.is_integer() and column.date_form == "yyyymmdd":
        cells = cells.cast(pl.String)
    if cells.dtype != pl.String:
        settled = f"; --date '{name}=yyyymmdd' takes numbers such as 20240531"
        raise _Unreadable(
            f"column '{name}': expected dates, got {cells.dtype}"
            f"{settled if cells.dtype.is_integer() else ''}"
        )
    cells = without_markers(cells, missing)
    values = days_of_texts(cells, column.date_form)
    wrong = np.isnan(values) & cells.is_not_null().to_numpy()
    if wrong.any():
        row, count = int(wrong.argmax()), int(wrong.sum())
        cell = str(cells[row])[:40]
        few = f"--missing {quoted(cell)} takes it as a gap"
        many = f"--date '{name}=...' says how they are written"
        raise _Unreadable(
            f"row {first_row + row + 1}, column '{name}': expected a date such as "
            f"{written(column.date_form)}, got '{cell}' ({count} such cells in rows "
            f"{first_row + 1} to {first_row + len(cells)}): "
            f"{many if count == cells.count() else few}, --ignore '{name}' leaves it out",
            {"ignore": (name,)},
        )
    return values


def _texts(cells: pl.Series, column: Column, missing: Sequence[str]) -> Texts:
    """Text, empty where missing; equal cells share one object."""
    if cells.dtype.is_nested() or cells.dtype in (pl.Binary, pl.Object, pl.Duration):
        raise _Unreadable(f"column '{cells.name}': expected text, got {cells.dtype}")
    if cells.dtype.is_float() and is_whole(cells):
        # A gap makes pandas write whole numbers with a fraction.
        cells = cells.fill_nan(None).cast(pl.Int64)
    text = without_markers(cells, missing).fill_null("")
    vocabulary = text.unique(maintain_order=True)
    codes = text.replace_strict(vocabulary, pl.Series(range(len(vocabulary)), dtype=pl.UInt32))
    different = vocabulary.to_list()
    if column.folds_case:
        # Texts that fold alike share one object, too.
        one = {text: "" if text in missing else text for text in map(folded, different)}
        different = [one[folded(text)] for text in different]
    found: Texts = np.array(different, dtype=object)[codes.to_numpy()]
    return found
