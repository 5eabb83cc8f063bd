"""The Parquet files of one table: what they hold, and their rows, row group by row group."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from service.nearest import did_you_mean
from training.errors import TableInvalid
from training.tables.columnar import NO_PARQUET, damage_told, frame_of

ROWS_READ_AT_ONCE = 32_768


class ParquetFiles:
    """One file, or those of a folder, with the same columns and the target. Raises TableInvalid."""

    def __init__(self, path: Path, target: str) -> None:
        self._path, self._target = path, target
        self._paths = parquet_files(path)
        self._files = [_open(file) for file in self._paths]
        self._require_same_columns()
        self._require_target()
        self.height = sum(int(file.metadata.num_rows) for file in self._files)
        self.width = len(self._files[0].schema_arrow.names)

    def empty(self) -> pl.DataFrame:
        """The columns with their types, and no row."""
        return frame_of(self._files[0].schema_arrow.empty_table())

    @property
    def largest_row_group(self) -> int:
        """Bytes of the largest row group as it lies in memory."""
        return max(
            int(file.metadata.row_group(group).total_byte_size)
            for file in self._files
            for group in range(file.num_row_groups)
        )

    def row_group_starts(self) -> dict[tuple[int, int], int]:
        """How many rows stand before each row group, by file and group."""
        starts, row = {}, 0
        for number, file in enumerate(self._files):
            for group in range(file.num_row_groups):
                starts[number, group] = row
                row += file.metadata.row_group(group).num_rows
        return starts

    def batches(
        self, number: int, group: int, columns: Sequence[str] | None
    ) -> Iterator[pl.DataFrame]:
        """The rows of one row group, a part of them at a time."""
        with damage_told(self._paths[number], f"row group {group} cannot be read"):
            batches = self._files[number].iter_batches(
                ROWS_READ_AT_ONCE, row_groups=[group], columns=columns, use_threads=False
            )
            for batch in batches:
                # polars does not ask whether text is UTF-8.
                batch.validate(full=True)
                yield frame_of(batch)

    def _require_same_columns(self) -> None:
        first = self._files[0].schema_arrow
        for name in first.names:
            if not name or first.names.count(name) > 1:
                raise TableInvalid(f"{self._path}: expected a name of its own for every column")
        for file, path in zip(self._files, self._paths, strict=True):
            if not file.schema_arrow.equals(first):
                raise TableInvalid(
                    f"{path}: expected the columns and types of {self._paths[0].name}, "
                    "in their order"
                )

    def _require_target(self) -> None:
        for file in self._files:
            if self._target not in file.schema_arrow.names:
                raise TableInvalid(
                    f"{self._path}: there is no column '{self._target}' to predict; there are: "
                    f"{', '.join(file.schema_arrow.names[:30])}"
                    f"{did_you_mean(self._target, file.schema_arrow.names)}"
                )


def files_fingerprint(path: Path, target: str) -> str:
    """The sha256 of the target's name and of the Parquet files at a path, in order."""
    digest = hashlib.sha256(repr(target).encode())
    for part in parquet_files(path):
        with part.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def parquet_files(path: Path) -> list[Path]:
    """The file itself, or those in a folder that end like Parquet files, sorted."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        return []
    return sorted(p for p in path.iterdir() if p.suffix in (".parquet", ".pq") and p.name[0] != ".")


def _open(path: Path) -> pq.ParquetFile:
    with damage_told(path, NO_PARQUET):
        file = pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20)
        # Names and types that polars does not take are told before any row is read.
        frame_of(file.schema_arrow.empty_table())
    return file
