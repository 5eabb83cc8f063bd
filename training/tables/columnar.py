"""Parquet and Arrow files that fit in memory."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq

from training.errors import TableInvalid
from training.tables.room import BYTES_A_BYTE, BYTES_A_CELL, Room

NO_PARQUET = "is not a whole Parquet file"
_NO_ARROW = "is not a whole Arrow file"


def parse_parquet(path: Path, content: bytes, room: Room) -> pl.DataFrame:
    """The frame of a Parquet file. Raises TableInvalid."""
    with damage_told(path, NO_PARQUET):
        cells, unpacked = _extent(pq.read_metadata(io.BytesIO(content)))
    room.take(path, unpacked, cells=cells)
    with damage_told(path, NO_PARQUET):
        # As a streamed one is; of a damaged file polars' reader may end the process.
        table = pq.ParquetFile(io.BytesIO(content)).read()
        # polars does not ask whether text is UTF-8.
        table.validate(full=True)
        frame = frame_of(table)
    return _named(path, frame)


def parse_arrow(path: Path, content: bytes, room: Room) -> pl.DataFrame:
    """The frame of an Arrow file. Raises TableInvalid."""
    with damage_told(path, _NO_ARROW):
        # Of a damaged file polars' reader may end the process.
        reader = ipc.open_file(pa.BufferReader(content))
        height, width = int(reader.count_rows()), len(reader.schema)
    room.take(path, 0, cells=height * width)
    batches = []
    for number in range(reader.num_record_batches):
        with damage_told(path, _NO_ARROW):
            batch = reader.get_batch(number)
            batch.validate(full=True)
            unpacked = batch.nbytes
        room.take(path, unpacked)
        batches.append(batch)
    with damage_told(path, _NO_ARROW):
        frame = frame_of(pa.Table.from_batches(batches, reader.schema))
    return _named(path, frame)


def parquet_bytes(path: Path) -> int:
    """About the memory that it takes to learn from this Parquet file. Raises TableInvalid."""
    with damage_told(path, NO_PARQUET):
        cells, unpacked = _extent(pq.read_metadata(path))
    return cells * BYTES_A_CELL + unpacked * BYTES_A_BYTE


def _extent(metadata: pq.FileMetaData) -> tuple[int, int]:
    """Cells, and bytes without compression."""
    groups = range(metadata.num_row_groups)
    unpacked = sum(int(metadata.row_group(group).total_byte_size) for group in groups)
    return int(metadata.num_rows) * int(metadata.num_columns), unpacked


def frame_of(cells: pa.Table | pa.RecordBatch) -> pl.DataFrame:
    """The same cells, which were validated in full, as a frame."""
    frame = pl.from_arrow(cells)
    assert isinstance(frame, pl.DataFrame)
    return frame


@contextmanager
def damage_told(path: Path, problem: str) -> Iterator[None]:
    """Turn whatever a reader does about a damaged file into one TableInvalid."""
    try:
        yield
    # A damaged file makes readers raise nearly anything, or panic, which is no Exception.
    except (Exception, pl.exceptions.PanicException) as exc:
        reason = (str(exc).splitlines() or [type(exc).__name__])[0]
        raise TableInvalid(f"{path}: {problem}: {reason}") from exc


def _named(path: Path, frame: pl.DataFrame) -> pl.DataFrame:
    if frame.height == 0:
        raise TableInvalid(f"{path}: there are columns and no row")
    if "" in frame.columns:
        place = frame.columns.index("") + 1
        raise TableInvalid(f"{path}: column {place} has no name")
    return frame
