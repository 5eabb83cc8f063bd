"""Parquet and Arrow files that fit in memory."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from training.errors import TableInvalid
from training.tables.room import BYTES_A_BYTE, BYTES_A_CELL, Room


def parse_parquet(path: Path, content: bytes, room: Room) -> pl.DataFrame:
    """The frame of a Parquet file. Raises TableInvalid."""
    with _damage_told(path, "Parquet"):
        cells, unpacked = _extent(pq.read_metadata(io.BytesIO(content)))
    room.take(path, unpacked, cells=cells)
    with _damage_told(path, "Parquet"):
        # As a streamed one is; of a damaged file polars' reader may end the process.
        table = pq.ParquetFile(io.BytesIO(content)).read()
        # polars does not ask whether text is UTF-8.
        table.validate(full=True)
        frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return _named(path, frame)


def parse_arrow(path: Path, content: bytes, room: Room) -> pl.DataFrame:
    """The frame of an Arrow file. Raises TableInvalid."""
    with _damage_told(path, "Arrow"):
        height = int(pl.scan_ipc(io.BytesIO(content)).select(pl.len()).collect().item())
        width = len(pl.read_ipc_schema(io.BytesIO(content)))
    room.take(path, len(content), cells=height * width)
    with _damage_told(path, "Arrow"):
        frame = pl.read_ipc(content)
    return _named(path, frame)


def parquet_bytes(path: Path) -> int:
    """About the memory that it takes to learn from this Parquet file. Raises TableInvalid."""
    with _damage_told(path, "Parquet"):
        cells, unpacked = _extent(pq.read_metadata(path))
    return cells * BYTES_A_CELL + unpacked * BYTES_A_BYTE


def _extent(metadata: pq.FileMetaData) -> tuple[int, int]:
    """Cells, and bytes without compression."""
    groups = range(metadata.num_row_groups)
    unpacked = sum(int(metadata.row_group(group).total_byte_size) for group in groups)
    return int(metadata.num_rows) * int(metadata.num_columns), unpacked


@contextmanager
def _damage_told(path: Path, kind: str) -> Iterator[None]:
    try:
        yield
    # A damaged file makes readers raise nearly anything, or panic, which is no Exception.
    except (Exception, pl.exceptions.PanicException) as exc:
        reason = (str(exc).splitlines() or [type(exc).__name__])[0]
        raise TableInvalid(f"{path}: is not a whole {kind} file: {reason}") from exc


def _named(path: Path, frame: pl.DataFrame) -> pl.DataFrame:
    if frame.height == 0:
        raise TableInvalid(f"{path}: there are columns and no row")
    if "" in frame.columns:
        place = frame.columns.index("") + 1
        raise TableInvalid(f"{path}: column {place} has no name")
    return frame
