"""Typed columns out of a frame: which are numbers, which categories, and their values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from service.inference.features import Features, Floats, Texts
from service.inference.spelling import BLANKS
from training.errors import TableInvalid
from training.inputs import Column
from training.tables.text_cells import TextCells, look_at

_LARGEST = float(np.finfo(np.float32).max)
# A cell that says in words that it is empty. "none" is not among them: it may be a category.
MISSING_TEXTS = ("", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null")


@dataclass(frozen=True)
class Asked:
    """Types that the user gave, by column name; `ignored` columns are left out.

    `group` says which rows belong together; it is no feature.
    """

    numeric: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    group: str | None = None


@dataclass(frozen=True)
class Kinds:
    """The features among the columns, and those that were left out on the way, with a word."""

    columns: tuple[Column, ...]
    left_out: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Typed:
    """Columns with their values, and those that were left out on the way, with a word."""

    columns: tuple[Column, ...]
    features: Features
    left_out: tuple[str, ...]
    notes: tuple[str, ...]


def typed_columns(source: str, frame: pl.DataFrame, asked: Asked) -> Typed:
    """Infer the type of every column, as far as `asked` does not give it. Raises TableInvalid."""
    cells = {
        name: look_at(without_markers(frame.get_column(name)))
        for name in looked_at(frame.schema, asked)
    }
    kinds = kinds_of(source, frame.schema, asked, cells)
    features = values_of(source, frame, kinds.columns)
    return Typed(kinds.columns, features, kinds.left_out, kinds.notes)


def looked_at(schema: pl.Schema, asked: Asked) -> list[str]:
    """The columns whose type depends on what their cells look like."""
    given = {*asked.numeric, *asked.categorical, *asked.ignored, asked.group}
    return [name for name, dtype in schema.items() if dtype == pl.String and name not in given]


def kinds_of(source: str, schema: pl.Schema, asked: Asked, cells: Mapping[str, TextCells]) -> Kinds:
    """The type of every column, by what is asked, its dtype and, of text, its cells.

    Raises TableInvalid.
    """
    _check_names(source, schema.names(), asked)
    columns: list[Column] = []
    notes: list[str] = []
    for name, dtype in schema.items():
        if name in asked.ignored or name == asked.group:
            continue
        if name in asked.numeric:
            columns.append(Column(name, "number"))
        elif name in asked.categorical:
            columns.append(Column(name, "category"))
        elif (left_out := _not_a_feature(name, dtype, cells)) is not None:
            notes.append(f"column '{name}' is left out: it holds {left_out}")
        else:
            is_text = (
                cells[name].are_words(source, name)
                if name in cells
                else not (dtype.is_numeric() or dtype == pl.Null)
            )
            columns.append(Column(name, "category" if is_text else "number"))
    if not columns:
        raise TableInvalid(f"{source}: there is no column to learn from beside the target")
    features = {column.name for column in columns}
    others = tuple(name for name in schema if name not in features)
    return Kinds(tuple(columns), others, tuple(notes))


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
    height = frame.height
    numbers = [c.name for c in columns if c.kind == "number"]
    texts = [c.name for c in columns if c.kind == "category"]
    numeric: Floats = np.empty((height, len(numbers)), dtype=np.float32)
    for place, name in enumerate(numbers):
        numeric[:, place] = _numbers(source, frame.get_column(name), missing, first_row)
    categorical: Texts = np.empty((height, len(texts)), dtype=object)
    for place, name in enumerate(texts):
        categorical[:, place] = _texts(source, frame.get_column(name), missing)
    return Features(numeric, categorical)


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


def _check_names(source: str, names: Sequence[str], asked: Asked) -> None:
    given = {
        "--numeric": asked.numeric, "--categorical": asked.categorical, "--ignore": asked.ignored,
    }  # fmt: skip
    for flag, listed in given.items():
        unknown = [name for name in listed if name not in names]
        if unknown:
            raise TableInvalid(
                f"{source}: {flag} names '{unknown[0]}'; the columns are {', '.join(names[:30])}"
            )


def _not_a_feature(name: str, dtype: pl.DataType, cells: Mapping[str, TextCells]) -> str | None:
    if dtype.is_temporal():
        return "dates or times: a number of days or seconds could be learned from"
    if dtype.is_nested() or dtype in (pl.Binary, pl.Object):
        return f"{dtype}, neither numbers nor text"
    if name in cells and cells[name].are_dates:
        return (
            "dates: a number of days could be learned from; "
            f"--categorical '{name}' takes them as text"
        )
    return None


def _numbers(
    source: str, cells: pl.Series, missing: Sequence[str], first_row: int
) -> npt.NDArray[np.float64]:
    """Float64 values, NaN where missing."""
    if cells.dtype == pl.String:
        cells = without_markers(cells, missing)
    elif not (cells.dtype.is_numeric() or cells.dtype in (pl.Boolean, pl.Null)):
        raise TableInvalid(f"{source}: column '{cells.name}': expected numbers, got {cells.dtype}")
    values = cells.cast(pl.Float64, strict=False).fill_null(float("nan")).to_numpy()
    wrong = (np.isnan(values) & cells.is_not_null().to_numpy()) | (np.abs(values) > _LARGEST)
    if cells.dtype.is_float():
        wrong &= ~np.isnan(values)
    if wrong.any():
        row = int(wrong.argmax())
        raise TableInvalid(
            f"{source}: row {first_row + row + 1}, column '{cells.name}': expected a number within "
            f"float32, got '{str(cells[row])[:40]}' ({int(wrong.sum())} such cells in rows "
            f"{first_row + 1} to {first_row + len(cells)})"
        )
    return np.asarray(values, dtype=np.float64)


def _texts(source: str, cells: pl.Series, missing: Sequence[str]) -> Texts:
    """Text, empty where missing; equal cells share one object."""
    if cells.dtype.is_nested() or cells.dtype in (pl.Binary, pl.Object, pl.Duration):
        raise TableInvalid(f"{source}: column '{cells.name}': expected text, got {cells.dtype}")
    if cells.dtype.is_float() and is_whole(cells):
        # A gap makes pandas write whole numbers with a fraction.
        cells = cells.fill_nan(None).cast(pl.Int64)
    text = without_markers(cells, missing).fill_null("")
    vocabulary = text.unique(maintain_order=True)
    codes = text.replace_strict(vocabulary, pl.Series(range(len(vocabulary)), dtype=pl.UInt32))
    found: Texts = vocabulary.to_numpy().astype(object)[codes.to_numpy()]
    return found
