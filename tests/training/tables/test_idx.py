"""IDX files: the pair, the folder, and damaged ones."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from training.errors import TableInvalid
from training.tables.idx import parse_idx
from training.tables.kinds import Asked
from training.tables.read import read_table
from training.tables.table import Table

IMAGES = np.arange(5 * 2 * 3, dtype=np.uint8).reshape(5, 2, 3)
LABELS = np.array([7, 8, 7, 8, 9], dtype=np.uint8)


def _idx(array: np.ndarray, kind: int = 0x08) -> bytes:
    header = struct.pack(">HBB", 0, kind, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.tobytes()


def _read(path: Path) -> Table:
    return read_table(path, None, Asked(), None)


def _write_pair(folder: Path, prefix: str, *, compressed: bool) -> Path:
    for name, array in (("images-idx3-ubyte", IMAGES), ("labels-idx1-ubyte", LABELS)):
        content = _idx(array)
        suffix = ".gz" if compressed else ""
        path = folder / f"{prefix}-{name}{suffix}"
        path.write_bytes(gzip.compress(content) if compressed else content)
    return folder / f"{prefix}-images-idx3-ubyte{'.gz' if compressed else ''}"


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
def test_images_are_read_with_their_labels(compressed: bool, tmp_path: Path) -> None:
    table = _read(_write_pair(tmp_path, "train", compressed=compressed))

    assert table.features.numeric.tolist() == IMAGES.reshape(5, 6).tolist()
    assert [table.labels[i] for i in table.class_index] == LABELS.tolist()
    assert table.columns[4].name == "pixel_1_1"
    assert table.test_rows == 0


def test_folder_with_t10k_files_has_its_own_test_rows(tmp_path: Path) -> None:
    _write_pair(tmp_path, "train", compressed=True)
    _write_pair(tmp_path, "t10k", compressed=True)

    table = _read(tmp_path)

    assert (len(table.class_index), table.test_rows) == (10, 5)


def test_numbers_may_be_signed_and_wide() -> None:
    content = _idx(np.array([-5, 70_000], dtype=">i4"), 0x0C)

    assert parse_idx(Path("x"), content).tolist() == [-5, 70_000]


def test_images_without_labels_are_refused(tmp_path: Path) -> None:
    path = _write_pair(tmp_path, "train", compressed=False)
    (tmp_path / "train-labels-idx1-ubyte").unlink()

    with pytest.raises(TableInvalid, match="there is no train-labels-idx1-ubyte of labels"):
        _read(path)


@pytest.mark.parametrize("keep", [2, 6, 20, -1], ids=str)
def test_file_that_was_cut_short_is_refused(keep: int, tmp_path: Path) -> None:
    path = _write_pair(tmp_path, "train", compressed=False)
    path.write_bytes(path.read_bytes()[:keep])

    with pytest.raises(TableInvalid, match=r"IDX|empty"):
        _read(path)
