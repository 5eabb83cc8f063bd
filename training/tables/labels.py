"""The target column: labels in their own type, and the rows that have one."""

from collections.abc import Sequence

import polars as pl

from training.errors import TableInvalid
from training.tables.columns import without_markers
from training.tables.table import MISSING_TEXTS, NO_REGRESSION, Indices, Label, label_text, listing

_KINDS = (pl.Boolean, pl.String, pl.Categorical, pl.Enum)


def labels_of(
    source: str, cells: pl.Series, missing: Sequence[str] = MISSING_TEXTS
) -> tuple[tuple[Label, ...], Indices]:
    """The labels in order, and each cell's index among them, -1 where there is none.

    Numbers without a fraction become integers, `true` and `false` booleans, all else text.
    Raises TableInvalid.
    """
    text = label_cells(source, cells, missing)
    labels = labels_among(source, cells.name, text.drop_nulls().unique())
    return labels, places_of(text, labels)


def label_cells(source: str, cells: pl.Series, missing: Sequence[str] = MISSING_TEXTS) -> pl.Series:
    """The target's cells as text, null where there is no label. Raises TableInvalid."""
    if cells.dtype.is_float():
        whole = cells.fill_nan(None)
        if (whole != whole.round()).any() or (whole.abs() >= 2**53).any():
            raise TableInvalid(
                f"{source}: the target '{cells.name}' holds numbers with a fraction, or beyond "
                f"whole numbers: {NO_REGRESSION}"
            )
        cells = whole.cast(pl.Int64)
    elif not (cells.dtype.is_integer() or cells.dtype in _KINDS):
        raise TableInvalid(
            f"{source}: the target '{cells.name}' holds {cells.dtype}: expected text, integers or "
            "booleans"
        )
    return without_markers(cells, missing)


def labels_among(source: str, target: str, texts: pl.Series) -> tuple[Label, ...]:
    """The labels in their type and order, of all the different texts. Raises TableInvalid."""
    if not len(texts):
        raise TableInvalid(f"{source}: the target '{target}' is empty in every row")
    return _typed(texts.sort().to_list())


def places_of(text: pl.Series, labels: Sequence[Label]) -> Indices:
    """The index of each text among the labels, -1 for null and for any other text."""
    if isinstance(labels[0], bool):
        text = text.str.to_lowercase()
    place = {label_text(label): i for i, label in enumerate(labels)}
    codes = text.replace_strict(
        list(place), list(place.values()), default=-1, return_dtype=pl.Int64
    )
    return codes.fill_null(-1).to_numpy()


def index_among(
    source: str,
    cells: pl.Series,
    labels: Sequence[Label],
    missing: Sequence[str] = MISSING_TEXTS,
) -> Indices:
    """Each cell's index among a model's labels, -1 where there is none. Raises TableInvalid."""
    text = label_cells(source, cells, missing)
    index = places_of(text, labels)
    unknown = text.filter(pl.Series(index < 0) & text.is_not_null()).unique().sort().to_list()
    if unknown:
        raise TableInvalid(
            f"{source}: the model does not know the labels {listing(unknown)}; "
            f"it knows: {listing(list(map(label_text, labels)))}"
        )
    return index


def _typed(texts: Sequence[str]) -> tuple[Label, ...]:
    if {text.lower() for text in texts} <= {"true", "false"}:
        return tuple(sorted({text.lower() == "true" for text in texts}))
    if all(_is_integer(text) for text in texts):
        return tuple(sorted(map(int, texts)))
    return tuple(sorted(texts))


def _is_integer(text: str) -> bool:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 19):
        return False
    # A code such as 007 stays text: as a number it would lose its zeros.
    return str(int(text)) == text
