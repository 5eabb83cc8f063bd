"""Files that lie, never end when unpacked, or are damaged: one sentence, and bounded memory."""

import gzip
import io
import struct
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from training.errors import TableInvalid, TrainingError
from training.tables.files import read_data
from training.tables.kinds import Asked
from training.tables.read import read_table

MIB = 1 << 20


def _npz(x: np.ndarray, y: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, x=x, y=y)
    return file.getvalue()


def _npy(header: str, content: bytes = b"") -> bytes:
    text = header.encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + content


def _zip(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return file.getvalue()


def _encrypted() -> bytes:
    content = bytearray(_npz(x=np.zeros((3, 2)), y=np.zeros(3)))
    # Bit 0 of the flags, in each member's own header and in the directory.
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = content.find(mark)
        while start >= 0:
            content[start + place] |= 1
            start = content.find(mark, start + 4)
    return bytes(content)


_HEADER = "{'descr': '<f8', 'fortran_order': False, 'shape': %s, }"
_Y = _npy(_HEADER % "(2,)", bytes(16))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(_encrypted(), id="encrypted"),
        pytest.param(_zip(x=_npy(_HEADER % "(2, 1000000000000)", bytes(16)), y=_Y), id="too large"),
        pytest.param(_zip(x=_npy(_HEADER % "(2, -1)", bytes(16)), y=_Y), id="negative"),
        pytest.param(_zip(x=_npy(_HEADER % "(2, 10**30)", bytes(16)), y=_Y), id="an expression"),
        pytest.param(_zip(x=_npy(_HEADER % f"(2, {10**30})", bytes(16)), y=_Y), id="beyond 64 bit"),
        pytest.param(_zip(x=_npy("(" * 5000), y=_Y), id="brackets"),
        pytest.param(_zip(x=_npy(_HEADER % "(2, 1)", bytes(8)), y=_Y), id="cut short"),
        pytest.param(_zip(x=b"", y=_Y), id="empty"),
        pytest.param(
            _zip(x=_npy("{'descr': '|O', 'fortran_order': False, 'shape': (2, 1), }"), y=_Y),
            id="objects",
        ),
        pytest.param(
            _zip(x=_npy("{'descr': '<f8', 'fortran_order': 7}", bytes(16)), y=_Y), id="keys"
        ),
        pytest.param(_npz(x=np.zeros((2, 1)), y=np.zeros(2, dtype=complex)), id="complex labels"),
        pytest.param(
            _npz(x=np.zeros((2, 1)), y=np.zeros(2, dtype=[("a", "i4")])), id="labels of fields"
        ),
        pytest.param(_npz(x=np.zeros((2, 0)), y=np.array([0, 1])), id="no feature"),
        pytest.param(_npz(x=np.zeros((2, 1), dtype="M8[s]"), y=np.array([0, 1])), id="times"),
    ],
)
def test_npz_that_lies_is_refused_in_a_sentence(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "t.npz"
    path.write_bytes(content)

    with pytest.raises(TrainingError, match=r"t\.npz: \w+"):
        read_table(path, "y", Asked(), None)


def test_number_of_an_npz_beyond_float32_is_named(tmp_path: Path) -> None:
    path = tmp_path / "t.npz"
    path.write_bytes(_npz(x=np.array([[1.0], [1e300]]), y=np.array([0, 1])))

    with pytest.raises(TableInvalid, match="row 2, column 'x_0': expected a number within float32"):
        read_table(path, "y", Asked(), None)


@pytest.mark.parametrize(
    "shape",
    [(), (1,) * 255, (0, 0, 0), (2**32 - 1,) * 3, (2, 2**31, 1)],
    ids=["none", "255 dimensions", "zeros", "huge", "lying"],
)
def test_idx_that_lies_is_refused_in_a_sentence(shape: tuple[int, ...], tmp_path: Path) -> None:
    header = struct.pack(">HBB", 0, 8, len(shape)) + struct.pack(f">{len(shape)}I", *shape)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(header + bytes(1))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(struct.pack(">HBBIB", 0, 8, 1, 1, 0))

    with pytest.raises(TableInvalid, match="IDX"):
        read_table(tmp_path / "train-images-idx3-ubyte", None, Asked(), None)


def _written(write: Callable[[pl.DataFrame, io.BytesIO], object]) -> bytes:
    file = io.BytesIO()
    write(pl.DataFrame({"a": np.zeros(4 * MIB, dtype=np.float32), "y": "u"}), file)
    return file.getvalue()


def _bombs(folder: Path) -> dict[str, Path]:
    """Small files that hold 16 MiB each."""
    zeros = bytes(16 * MIB)
    images = struct.pack(">HBBIII", 0, 8, 3, 1024, 128, 128)
    files = {
        "t.csv.gz": gzip.compress(b"a,y\n" + zeros, 1),
        "train-images-idx3-ubyte.gz": gzip.compress(images + zeros, 1),
        "train-labels-idx1-ubyte.gz": gzip.compress(
            struct.pack(">HBBI", 0, 8, 1, 1024) + bytes(1024), 1
        ),
        "t.parquet": _written(pl.DataFrame.write_parquet),
        "t.arrow": _written(partial(pl.DataFrame.write_ipc, compression="zstd")),
        "t.npz": _npz(x=np.zeros((1024, 1 << 14), dtype=np.uint8), y=np.arange(1024)),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
        assert len(content) < MIB // 4
    return {name: folder / name for name in files}


@pytest.mark.parametrize(
    "name", ["t.csv.gz", "train-images-idx3-ubyte.gz", "t.npz", "t.parquet", "t.arrow"]
)
def test_what_unpacks_to_more_than_the_memory_is_refused_before_it_is_unpacked(
    name: str, tmp_path: Path
) -> None:
    path = _bombs(tmp_path)[name]

    with pytest.raises(TableInvalid, match=r"unpacked.*of memory.*--memory allows more"):
        read_data(path, memory=15 * MIB)


def test_a_bound_on_memory_leaves_what_fits_alone(tmp_path: Path) -> None:
    path = _bombs(tmp_path)["train-images-idx3-ubyte.gz"]

    data = read_data(path, memory=100 * MIB)

    assert not isinstance(data, pl.DataFrame)
    assert data.features.shape == (1024, 1 << 14)


def test_gzip_of_several_members_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"a,y\n1,u\n") + gzip.compress(b"2,v\n"))

    data = read_data(path)

    assert isinstance(data, pl.DataFrame)
    assert data.rows() == [("1", "u"), ("2", "v")]
