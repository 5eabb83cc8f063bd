"""Files of every kind, cut short and with bytes changed at random: read, or refused in a sentence.

MLPSERVE_DAMAGED_FILES is how many of each kind are tried.
"""

import gzip
import io
import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from training.errors import TrainingError
from training.tables.kinds import Asked
from training.tables.read import read_table
from training.tables.stream import ParquetTable

CASES = int(os.environ.get("MLPSERVE_DAMAGED_FILES", "60"))
MEMORY = 1 << 28

FRAME = pl.DataFrame(
    {
        "age": [float(i % 50) if i % 9 else None for i in range(120)],
        "sex": ["male" if i % 3 else 'fe"male, or so' for i in range(120)],
        "y": ["u" if i % 2 else "v" for i in range(120)],
    }
)


def _written(write: Callable[[io.BytesIO], object]) -> bytes:
    file = io.BytesIO()
    write(file)
    return file.getvalue()


def _idx(array: np.ndarray) -> bytes:
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    return header + array.astype(np.uint8).tobytes()


X, Y = np.arange(60.0).reshape(20, 3), np.arange(20) % 2
WHOLE: dict[str, bytes] = {
    "t.csv": FRAME.write_csv().encode(),
    "t.csv.gz": gzip.compress(FRAME.write_csv().encode()),
    "t.npz": _written(lambda file: np.savez(file, x=X, y=Y)),
    "packed.npz": _written(lambda file: np.savez_compressed(file, x=X, y=Y)),
    "train-images-idx3-ubyte": _idx(np.zeros((20, 4, 4))),
    "t.parquet": _written(lambda file: FRAME.write_parquet(file, row_group_size=40)),
    "t.arrow": _written(lambda file: FRAME.write_ipc(file)),
    "packed.arrow": _written(lambda file: FRAME.write_ipc(file, compression="zstd")),
}


def damaged(whole: bytes, seed: int) -> bytes:
    """The same with some bytes changed or, of every third, the end cut off."""
    generator = np.random.default_rng(seed)
    content = bytearray(whole)
    if seed % 3 == 0:
        return bytes(content[: generator.integers(len(content))])
    for place in generator.integers(len(content), size=(1, 1, 2, 8)[seed % 4]):
        content[place] = generator.choice([0, 1, 0x7F, 0xFF, seed % 256])
    return bytes(content)


def _read(path: Path) -> None:
    read_table(path, "y", Asked(), None, MEMORY)


def _stream(path: Path) -> None:
    table = ParquetTable(
        path, "y", validation_fraction=0.2, test_fraction=0.2, seed=0, memory=MEMORY
    )
    table.sample(Asked())


@pytest.mark.parametrize(
    ("name", "read"),
    [*((name, _read) for name in WHOLE), ("t.parquet", _stream)],
    ids=[*WHOLE, "streamed"],
)
def test_damaged_file_is_read_or_refused_in_a_sentence(
    name: str, read: Callable[[Path], None], tmp_path: Path
) -> None:
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(_idx(Y))
    path = tmp_path / name
    sentences = []

    for seed in range(CASES):
        path.write_bytes(damaged(WHOLE[name], seed))
        try:
            read(path)
        except TrainingError as exc:
            sentences.append(str(exc))

    assert len(sentences) > CASES // 10
    assert [s for s in sentences if path.name not in s or "\n" in s] == []
