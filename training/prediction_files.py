"""The files that predictions are written to: CSV that no spreadsheet runs, or Parquet."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

import polars as pl
import pyarrow.parquet as pq

from service.model_repository.manifest import Label
from training.errors import ConfigInvalid, TableInvalid
from training.tables.table import label_text

# Rows of a Parquet file that are read together.
_GROUP_ROWS = 1 << 17
# A spreadsheet takes text that begins so for a formula (OWASP, CSV injection).
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_PARQUET = (".parquet", ".pq")
_OTHERS = (".json", ".jsonl", ".xlsx", ".xls", ".arrow", ".feather", ".npz", ".gz", ".zip")


class Writer(Protocol):
    """A file that rows are put into, part by part."""

    def write(self, part: pl.DataFrame) -> None:
        """Put these rows behind those before."""

    def close(self) -> None:
        """Put an end to the file."""


def is_parquet_name(path: Path | None) -> bool:
    """Whether predictions go into this file as Parquet. Raises ConfigInvalid for other formats."""
    suffix = "" if path is None else path.suffix.lower()
    if suffix in _OTHERS:
        raise ConfigInvalid(
            f"--out {path}: predictions are written as CSV or Parquet: expected a name that ends "
            f"in .csv or .parquet, got {suffix}"
        )
    return suffix in _PARQUET


def writer_of(file: BinaryIO, *, as_parquet: bool) -> Writer:
    """The writer of one format or the other."""
    return _Parquet(file) if as_parquet else _Csv(file)


def guarded(label: Label) -> str:
    """The label as a cell that no spreadsheet runs; numbers and booleans stay as they are."""
    text = label_text(label)
    is_formula = isinstance(label, str) and text.startswith(_FORMULA_STARTS)
    return f"'{text}" if is_formula else text


class _Csv:
    """Labels of sets are a JSON list in one cell."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._has_header = file, False

    def write(self, part: pl.DataFrame) -> None:
        """Put these rows behind those before."""
        cells = pl.DataFrame(list(map(_as_cells, part.get_columns())))
        cells = cells.rename({name: guarded(name) for name in cells.columns})
        self._file.write(cells.write_csv(include_header=not self._has_header).encode())
        self._has_header = True

    def close(self) -> None:
        """There is nothing to end."""


class _Parquet:
    """Row groups of many parts."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._waiting, self._rows = file, list[pl.DataFrame](), 0
        self._writer: pq.ParquetWriter | None = None

    def write(self, part: pl.DataFrame) -> None:
        """Keep these rows until there are enough for a row group."""
        self._waiting.append(part)
        self._rows += part.height
        if self._rows >= _GROUP_ROWS:
            self._write_group()

    def close(self) -> None:
        """Write what waits, and the end of the file."""
        self._write_group()
        if self._writer is not None:
            self._writer.close()

    def _write_group(self) -> None:
        if not self._waiting:
            return
        group = pl.concat(self._waiting).to_arrow()
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._file, group.schema)
        self._writer.write_table(group)
        self._waiting, self._rows = [], 0


def _as_cells(column: pl.Series) -> pl.Series:
    if column.name == "label" and column.dtype == pl.String:
        return pl.Series("label", list(map(guarded, column.to_list())))
    if column.dtype == pl.List:
        lists = [json.dumps(cells, ensure_ascii=False) for cells in column.to_list()]
        return pl.Series(column.name, lists)
    return _kept_cells(column) if column.dtype == pl.String else column


def _kept_cells(column: pl.Series) -> pl.Series:
    """Text of the file as it is, but for formulas: a negative number is none."""
    return pl.Series(column.name, [_kept_cell(cell) for cell in column.to_list()])


def _kept_cell(cell: str | None) -> str | None:
    is_number = cell is None or _NUMBER.fullmatch(cell) is not None
    return cell if is_number else guarded(cell or "")


@contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """A file to write that takes the place of `path` at the end, or leaves no trace of itself.

    What is no regular file, such as a pipe, is written as it is. Raises TableInvalid.
    """
    try:
        # Before the path is resolved: what a process substitution names has no other one.
        if path.exists() and not path.is_file():
            with path.open("wb") as file:
                yield file
            return
        target = path.resolve()
        staging = target.with_name(f".{target.name}.{os.getpid()}.writing")
        try:
            with staging.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            if target.exists():
                staging.chmod(target.stat().st_mode & 0o777)
            staging.replace(target)
        finally:
            staging.unlink(missing_ok=True)
    except OSError as exc:
        raise TableInvalid(f"{path}: cannot be written: {exc.strerror}") from exc
