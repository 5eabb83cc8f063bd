"""The column that says which rows belong together, such as the patient that they are of."""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from service.nearest import did_you_mean
from training.errors import TableInvalid
from training.inputs import placed
from training.tables.columns import markers, without_markers
from training.tables.kinds import Asked
from training.tables.table import MISSING_TEXTS, Groups, Indices, Table, listing

_WHOLE_IN_FLOAT64 = 2**53
# Columns called so, with at least so many values that stand in so many rows each, are pointed at.
_GROUP_NAME = re.compile(
    r"(?i:(^|[^a-z])(u?u?id|guid|patient|subject|person|user|customer|client|account|session|"
    r"device|participant|household|author|speaker|group)s?"
    r"([^a-z]*(u?u?id|no|nr|number|code|key|name))?$)|[a-z]I[Dd]$"
)
_FEWEST_GROUPS, _ROWS_A_GROUP = 10, 2


def groups_of(
    source: str, frame: pl.DataFrame, column: str, missing: Sequence[str] = MISSING_TEXTS
) -> Groups:
    """Each row's group; a row without one is a group of its own. Raises TableInvalid."""
    if column not in frame.columns:
        raise TableInvalid(
            f"{source}: --group names '{column}'; the columns are {listing(frame.columns)}"
            f"{did_you_mean(column, frame.columns)}"
        )
    return _numbered(column, group_texts(source, frame.get_column(column), missing))


def group_texts(source: str, cells: pl.Series, missing: Sequence[str] = MISSING_TEXTS) -> pl.Series:
    """Every cell as text, null where there is none. Raises TableInvalid.

    A number is spelled alike whether its column holds whole numbers or fractions.
    """
    if cells.dtype.is_nested() or cells.dtype in (pl.Binary, pl.Object):
        raise TableInvalid(
            f"{source}: --group '{cells.name}': expected text or numbers, got {cells.dtype}"
        )
    if not cells.dtype.is_float():
        return without_markers(cells, missing)
    present = cells.fill_nan(None).cast(pl.Float64)
    whole = (present == present.round()) & (present.abs() < _WHOLE_IN_FLOAT64)
    as_integer = present.cast(pl.Int64, strict=False).cast(pl.String)
    return as_integer.zip_with(whole.fill_null(value=False), present.cast(pl.String))


def grouped_by(table: Table, column: str) -> Table:
    """The table with one of its features in the part of --group. Raises TableInvalid."""
    names = [c.name for c in table.columns]
    if column not in names:
        raise TableInvalid(
            f"{table.source}: --group names '{column}'; the columns are {listing(names)}"
            f"{did_you_mean(column, names)}"
        )
    found, place = next((c, at) for c, at in placed(table.columns) if c.name == column)
    if not found.is_text:
        cells = pl.Series(column, table.features.numeric[:, place])
    else:
        cells = pl.Series(column, table.features.categorical[:, place].tolist(), dtype=pl.String)
    groups = _numbered(column, group_texts(table.source, cells))
    return replace(table.without([column]), groups=groups)


def numbered(texts: pl.Series, codes: dict[str | int, int]) -> Indices:
    """Each text's number in `codes`, (n,), which grow; every null has a number of its own."""
    # A text is never equal to a number, which stands for a row without one.
    keys = (-len(codes) if text is None else text for text in texts.to_list())
    return np.array([codes.setdefault(key, len(codes)) for key in keys], dtype=np.int64)


def _numbered(column: str, texts: pl.Series) -> Groups:
    codes: dict[str | int, int] = {}
    return Groups(column, numbered(texts, codes), codes)


def group_notes(source: str, frame: pl.DataFrame, asked: Asked) -> list[str]:
    """How many rows have no group; without --group, the columns that look as if they said one.

    These are named as groups are, and their values come again.
    """
    if asked.group is not None:
        gaps = group_texts(source, frame.get_column(asked.group), markers(asked)).null_count()
        told = f"{gaps} of {frame.height} rows have no '{asked.group}': each is a group of its own"
        return [told] if gaps else []
    notes = []
    for name in frame.columns:
        if not _GROUP_NAME.search(name):
            continue
        cells = frame.get_column(name).drop_nulls()
        if cells.dtype.is_nested() or not len(cells):
            continue
        different = cells.n_unique()
        if _FEWEST_GROUPS <= different <= len(cells) / _ROWS_A_GROUP:
            notes.append(
                f"column '{name}' holds {different} values in {len(cells)} rows: if rows of one "
                f"value belong together, --group '{name}' keeps them on one side of the split"
            )
    return notes
