"""Typed columns out of a frame: which are numbers, which categories, and their values."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from service.inference.features import Features, Floats, Texts
from service.inference.spelling import BLANKS
from training.errors import TableInvalid
from training.inputs import Column

_LARGEST = float(np.finfo(np.float32).max)
# A cell that says in words that it is empty. "none" is not among them: it may be a category.
MISSING_TEXTS = ("", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null")
# Up to so many different values, a column of numbers and words is one of categories.
_FEW = 20
_DECIMAL_COMMA = r"^[+-]?\d+,\d+$"
_DATE = r"^\d{4}-\d{2}-\d{2}([T ].*)?$"


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
class Typed:
    """Columns with their values, and those that were left out on the way, with a word."""

    columns: tuple[Column, ...]
    features: Features
    left_out: tuple[str, ...]
    notes: tuple[str, ...]


def typed_columns(
    source: str, frame: pl.DataFrame, asked: Asked, names: Sequence[str] | None = None
) -> Typed:
    """Infer the type of every column, as far as `asked` does not give it. Raises TableInvalid.

    `names` are all columns of the data, where the frame holds only some of them.
    """
    names = frame.columns if names is None else names
    _check_names(source, names, asked)
    columns: list[Column] = []
    notes: list[str] = []
    for name in frame.columns:
        if name in asked.ignored:
            continue
        cells = frame.get_column(name)
        if name in asked.numeric:
            columns.append(Column(name, "number"))
        elif name in asked.categorical:
            columns.append(Column(name, "category"))
        elif (left_out := _not_a_feature(cells)) is not None:
            notes.append(f"column '{name}' is left out: it holds {left_out}")
        else:
            columns.append(Column(name, "category" if _is_text(source, cells) else "number"))
    if not columns:
        raise TableInvalid(f"{source}: there is no column to learn from beside the target")
    features = {column.name for column in columns}
    others = tuple(name for name in names if name not in features)
    return Typed(tuple(columns), values_of(source, frame, columns), others, tuple(notes))


def values_of(
    source: str,
    frame: pl.DataFrame,
    columns: Sequence[Column],
    missing: Sequence[str] = MISSING_TEXTS,
) -> Features:
    """The values of these columns, whatever else is in the frame. Raises TableInvalid."""
    height = frame.height
    numbers = [c.name for c in columns if c.kind == "number"]
    texts = [c.name for c in columns if c.kind == "category"]
    numeric: Floats = np.empty((height, len(numbers)), dtype=np.float32)
    for place, name in enumerate(numbers):
        numeric[:, place] = _numbers(source, frame.get_column(name), missing)
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


def _not_a_feature(cells: pl.Series) -> str | None:
    if cells.dtype.is_temporal():
        return "dates or times: a number of days or seconds could be learned from"
    if cells.dtype.is_nested() or cells.dtype in (pl.Binary, pl.Object):
        return f"{cells.dtype}, neither numbers nor text"
    if cells.dtype == pl.String:
        present = without_markers(cells).drop_nulls()
        if len(present) and present.head(1000).str.contains(_DATE).all():
            return (
                "dates: a number of days could be learned from; "
                f"--categorical '{cells.name}' takes them as text"
            )
    return None


def _is_text(source: str, cells: pl.Series) -> bool:
    if cells.dtype != pl.String:
        return not (cells.dtype.is_numeric() or cells.dtype == pl.Null)
    present = without_markers(cells).drop_nulls()
    is_number = present.cast(pl.Float64, strict=False).is_not_null()
    numbers = int(is_number.sum())
    if numbers == len(present):
        return False
    with_comma = present.filter(present.str.contains(_DECIMAL_COMMA))
    if 2 * (len(with_comma) + numbers) > len(present) and len(with_comma) > numbers:
        raise TableInvalid(
            f"{source}: column '{cells.name}' holds numbers with a comma such as "
            f"'{with_comma[0]}': expected a decimal point and no separator of thousands; "
            f"--categorical '{cells.name}' takes it as text"
        )
    if 2 * numbers <= len(present) or present.n_unique() <= _FEW:
        return True
    row, word = _first_word(cells)
    raise TableInvalid(
        f"{source}: column '{cells.name}' mixes {numbers} numbers with {len(present) - numbers} "
        f"other texts, the first '{word[:40]}' in row {row}: mend the file, or "
        f"--categorical '{cells.name}' takes all of it as text"
    )


def _first_word(cells: pl.Series) -> tuple[int, str]:
    text = without_markers(cells)
    wrong = text.is_not_null() & text.cast(pl.Float64, strict=False).is_null()
    row = int(wrong.arg_true()[0])
    return row + 1, str(text[row])


def _numbers(source: str, cells: pl.Series, missing: Sequence[str]) -> npt.NDArray[np.float64]:
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
            f"{source}: row {row + 1}, column '{cells.name}': expected a number within float32, "
            f"got '{str(cells[row])[:40]}' ({int(wrong.sum())} such cells in the column)"
        )
    return np.asarray(values, dtype=np.float64)


def _texts(source: str, cells: pl.Series, missing: Sequence[str]) -> Texts:
    """Text, empty where missing; equal cells share one object."""
    if cells.dtype.is_nested() or cells.dtype in (pl.Binary, pl.Object, pl.Duration):
        raise TableInvalid(f"{source}: column '{cells.name}': expected text, got {cells.dtype}")
    if cells.dtype.is_float() and (cells.fill_nan(None) % 1 == 0).all():
        # A gap makes pandas write whole numbers with a fraction.
        cells = cells.fill_nan(None).cast(pl.Int64, strict=False)
    text = without_markers(cells, missing).fill_null("")
    vocabulary = text.unique(maintain_order=True)
    codes = text.replace_strict(vocabulary, pl.Series(range(len(vocabulary)), dtype=pl.UInt32))
    found: Texts = vocabulary.to_numpy().astype(object)[codes.to_numpy()]
    return found
