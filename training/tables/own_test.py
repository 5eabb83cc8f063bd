"""Test rows that come from a file of their own, read as the table for training was."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from service.inference.features import Features
from service.inference.spelling import are_told_apart, typed_key
from training.errors import TableInvalid
from training.paths import no_such_file
from training.tables.columns import values_of
from training.tables.files import Arrays, read_data
from training.tables.groups import group_texts, numbered
from training.tables.labels import index_among
from training.tables.table import Groups, Table, listing


def with_own_test(table: Table, path: Path, delimiter: str | None, memory: int) -> Table:
    """The table with the labelled rows of a file behind it, as test rows.

    Nothing is unpacked that takes more than `memory` bytes. Raises TableInvalid.
    """
    if table.test_rows:
        raise TableInvalid(f"{table.source} has a test set of its own: --test {path} cannot be one")
    frame = _frame(table, path, delimiter, memory)
    index = index_among(
        str(path), frame.get_column(table.target), table.labels, table.missing_texts
    )
    labelled = np.flatnonzero(index >= 0)
    if not len(labelled):
        raise TableInvalid(f"{path}: no row has a label in '{table.target}'")
    notes = []
    if len(labelled) < len(index):
        notes.append(
            f"{len(index) - len(labelled)} of {len(index)} rows of {path.name} are left out: they "
            f"have no label in '{table.target}'"
        )
    added = values_of(str(path), frame, table.columns, table.missing_texts)[labelled]
    for known, cells in zip(table.features.categorical.T, added.categorical.T, strict=True):
        cells[:] = _spelled_as(set(known.tolist()), cells.tolist())
    groups = None
    if table.groups is not None:
        groups, shared = _with_groups(table.groups, str(path), frame, labelled, table.missing_texts)
        if shared:
            notes.append(
                f"{shared} of {len(labelled)} rows of {path.name} are of a '{groups.column}' that "
                "training or validation rows are of, too: the test scores flatter"
            )
    return replace(
        table,
        features=Features(
            np.concatenate([table.features.numeric, added.numeric]),
            np.concatenate([table.features.categorical, added.categorical]),
        ),
        class_index=np.concatenate([table.class_index, index[labelled]]),
        notes=(*table.notes, *notes),
        test_rows=len(labelled),
        groups=groups,
        test_source=path.name,
        data_fingerprint=table.fingerprint,
    )


def _spelled_as(known: set[str], cells: list[str]) -> list[str]:
    """Cells in the spellings of the table for training: a True of one kind of file is its true."""
    if not are_told_apart(known):
        return cells
    alike = {key: text for text in known if (key := typed_key(text)) is not None}
    return [cell if cell in known else alike.get(typed_key(cell) or "", cell) for cell in cells]


def _frame(table: Table, path: Path, delimiter: str | None, memory: int) -> pl.DataFrame:
    if not path.exists():
        raise TableInvalid(f"--test {no_such_file(path)}")
    found = read_data(path, delimiter=delimiter, memory=memory)
    if isinstance(found, Arrays):
        frame = pl.DataFrame(found.features, schema=list(found.names))
        found = frame.with_columns(pl.Series(table.target, found.labels))
    group = [] if table.groups is None else [table.groups.column]
    needed = [*(column.name for column in table.columns), *group, table.target]
    missing = [name for name in needed if name not in found.columns]
    if missing:
        raise TableInvalid(
            f"--test {path}: the columns {listing(missing)} of {table.source} are missing; "
            f"there are: {listing(found.columns)}"
        )
    return found


def _with_groups(
    known: Groups, source: str, frame: pl.DataFrame, labelled: np.ndarray, missing: Sequence[str]
) -> tuple[Groups, int]:
    """The groups of both files, and how many of these rows are of one that was known."""
    codes = dict(known.codes)
    of_row = numbered(group_texts(source, frame.get_column(known.column), missing), codes)[labelled]
    shared = int(np.isin(of_row, known.of_row).sum())
    return Groups(known.column, np.concatenate([known.of_row, of_row]), codes), shared
