"""The target column: labels in their own type, and the rows that have one."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from training.errors import TableInvalid
from training.tables.columns import without_markers
from training.tables.table import Indices, Label, label_text, listing


def labels_of(source: str, cells: pl.Series) -> tuple[tuple[Label, ...], Indices]:
    """The labels in order, and each cell's index among them, -1 where there is none.

    Numbers without a fraction become integers, `true` and `false` booleans, all else text.
    Raises TableInvalid.
    """
    if cells.dtype.is_float():
        whole = cells.fill_nan(None)
        if (whole != whole.round()).any():
            raise TableInvalid(
                f"{source}: the target '{cells.name}' holds numbers with a fraction: "
                "expected classes"
            )
        cells = whole.cast(pl.Int64)
    elif not (cells.dtype.is_integer() or cells.dtype in (pl.Boolean, pl.String, pl.Categorical)):
        raise TableInvalid(
            f"{source}: the target '{cells.name}' holds {cells.dtype}: expected text, integers or "
            "booleans"
        )
    text = without_markers(cells)
    present = text.drop_nulls().unique().sort().to_list()
    if not present:
        raise TableInvalid(f"{source}: the target '{cells.name}' is empty in every row")
    labels = _typed(present)
    place = {label_text(label): i for i, label in enumerate(labels)}
    if isinstance(labels[0], bool):
        text = text.str.to_lowercase()
    codes = text.replace_strict(list(place), list(place.values()), return_dtype=pl.Int64)
    return labels, codes.fill_null(-1).to_numpy()


def index_among(source: str, cells: pl.Series, labels: Sequence[Label]) -> Indices:
    """Each cell's index among a model's labels, -1 where there is none. Raises TableInvalid."""
    found, index = labels_of(source, cells)
    known = {label_text(label): place for place, label in enumerate(labels)}
    unknown = [label_text(label) for label in found if label_text(label) not in known]
    if unknown:
        raise TableInvalid(
            f"{source}: the model does not know the labels {listing(unknown)}; "
            f"it knows: {listing(list(known))}"
        )
    places = np.array([known[label_text(label)] for label in found], dtype=np.int64)
    return np.where(index < 0, -1, places[index])


def _typed(texts: Sequence[str]) -> tuple[Label, ...]:
    if {text.lower() for text in texts} <= {"true", "false"}:
        return tuple(sorted({text.lower() == "true" for text in texts}))
    if all(_is_integer(text) for text in texts):
        return tuple(sorted(map(int, texts)))
    return tuple(sorted(texts))


def _is_integer(text: str) -> bool:
    # A code such as 007 stays text: as a number it would lose its zeros.
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdigit() and str(int(text)) == text and len(digits) < 19
