"""Files of rows, by what is in them: CSV, JSON, Parquet, Arrow, NPZ, IDX; one, or a folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from training.errors import TableInvalid
from training.memory import allowed_bytes
from training.paths import no_such_file
from training.tables.columnar import parse_arrow, parse_parquet
from training.tables.delimited import parse_csv
from training.tables.idx import parse_idx
from training.tables.json_lines import is_json, parse_json
from training.tables.npz import parse_npz
from training.tables.room import Room

_SUFFIXES = (
    ".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet", ".pq", ".arrow", ".feather", ".ipc",
    ".npz", ".jsonl", ".ndjson", ".json", ".jsonl.gz", ".ndjson.gz", ".json.gz",
)  # fmt: skip


@dataclass(frozen=True)
class Arrays:
    """Numbers, (n, n_features), and labels, (n,); the last `test_rows` of them are for testing."""

    names: tuple[str, ...]
    features: npt.NDArray[np.float32]
    labels: npt.NDArray[np.generic]
    test_rows: int = 0


def read_data(
    path: Path, *, delimiter: str | None = None, memory: int | None = None
) -> pl.DataFrame | Arrays:
    """What is in a file or folder: a frame with named columns (of a CSV all text), or arrays.

    Nothing is unpacked that takes more than `memory`, by default half of the machine's.
    Raises TableInvalid.
    """
    room = Room(allowed_bytes(memory))
    try:
        if not path.is_dir():
            return _read_file(path, delimiter, room)
        return _read_folder(path, delimiter, room)
    except FileNotFoundError as exc:
        raise TableInvalid(no_such_file(path)) from exc
    except OSError as exc:
        raise TableInvalid(f"{path}: cannot be read: {exc.strerror or exc}") from exc


def is_parquet(path: Path) -> bool:
    """Whether a file is named or begins as Parquet."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


def _read_folder(folder: Path, delimiter: str | None, room: Room) -> pl.DataFrame | Arrays:
    names = sorted(p.name for p in folder.iterdir() if p.is_file() and p.name[0] not in "._")
    if any("-idx3-" in name for name in names):
        return _read_idx_folder(folder, names, room)
    files = [folder / name for name in names if name.lower().endswith(_SUFFIXES)]
    if not files:
        raise TableInvalid(
            f"{folder}: there is no table in this folder: expected files that end in "
            f"{', '.join(_SUFFIXES)}"
        )
    parts = [_read_file(file, delimiter, room) for file in files]
    frames = [part for part in parts if isinstance(part, pl.DataFrame)]
    if len(frames) < len(parts):
        if len(parts) == 1:
            return parts[0]
        raise TableInvalid(f"{folder}: expected one NPZ file, or tables of one kind")
    for file, frame in zip(files, frames, strict=True):
        _require_like(file, frame, files[0], frames[0])
    return pl.concat(frames)


def _require_like(file: Path, frame: pl.DataFrame, first: Path, like: pl.DataFrame) -> None:
    if frame.columns != like.columns:
        odd = sorted(set(frame.columns) ^ set(like.columns)) or frame.columns
        raise TableInvalid(
            f"{file}: expected the columns of {first.name} in their order; "
            f"different: {', '.join(odd[:5])}"
        )
    for name, dtype in frame.schema.items():
        if dtype != like.schema[name]:
            raise TableInvalid(
                f"{file}: column '{name}' holds {dtype}, in {first.name} it holds "
                f"{like.schema[name]}"
            )


def _read_file(path: Path, delimiter: str | None, room: Room) -> pl.DataFrame | Arrays:
    content = _content(path, room)
    if content[:4] == b"PAR1":
        return parse_parquet(path, content, room)
    if content[:6] in (b"ARROW1", b"FEA1\x00\x00"):
        return parse_arrow(path, content, room)
    if content[:4] == b"PK\x03\x04":
        return arrays(path, *parse_npz(path, room))
    if content[:2] == b"\x00\x00":
        return _idx_pair(path, content, room)
    if is_json(path, content):
        return parse_json(path, content)
    return parse_csv(path, content, delimiter)


def _content(path: Path, room: Room) -> bytes:
    content = path.read_bytes()
    return room.gunzip(path) if content[:2] == b"\x1f\x8b" else content


def arrays(
    path: Path, x: npt.NDArray[np.generic], y: npt.NDArray[np.generic], *, test_rows: int = 0
) -> Arrays:
    """Rows of numbers, flattened if they are images, with their labels. Raises TableInvalid."""
    if x.ndim < 2 or y.ndim != 1 or len(x) != len(y) or not len(x):
        raise TableInvalid(
            f"{path}: expected x of shape (rows, features) and as many y, "
            f"got {x.shape} and {y.shape}"
        )
    if x.dtype.kind not in "biuf":
        raise TableInvalid(f"{path}: expected numbers in x, got {x.dtype}")
    if not x.size:
        raise TableInvalid(f"{path}: expected at least one feature in x, got {x.shape}")
    # A number that is too large becomes infinite, and is told with its row.
    with np.errstate(over="ignore"):
        numbers = x.reshape(len(x), -1).astype(np.float32)
    return Arrays(_names(x.shape[1:]), numbers, y, test_rows)


def _names(shape: Sequence[int]) -> tuple[str, ...]:
    prefix = "pixel" if len(shape) == 2 else "x"
    return tuple("_".join((prefix, *map(str, at))) for at in np.ndindex(*shape))


def _idx_pair(path: Path, content: bytes, room: Room) -> Arrays:
    labels = path.with_name(path.name.replace("images-idx3", "labels-idx1"))
    if labels == path or not labels.is_file():
        raise TableInvalid(
            f"{path}: expected an IDX pair such as train-images-idx3-ubyte and "
            f"train-labels-idx1-ubyte; there is no {labels.name} of labels"
            if labels != path
            else f"{path}: is an IDX file, but not one of images: expected a name such as "
            "train-images-idx3-ubyte"
        )
    return arrays(path, parse_idx(path, content), parse_idx(labels, _content(labels, room)))


def _read_idx_folder(folder: Path, names: Sequence[str], room: Room) -> Arrays:
    images = [name for name in names if "images-idx3-" in name]
    train = [name for name in images if not name.startswith(("t10k", "test"))]
    test = [name for name in images if name not in train]
    if len(train) != 1 or len(test) > 1:
        raise TableInvalid(
            f"{folder}: expected one IDX pair train-... and at most one t10k-..., got "
            f"{', '.join(images)}"
        )
    files = [folder / name for name in (*train, *test)]
    parts = [_idx_pair(file, _content(file, room), room) for file in files]
    test_rows = len(parts[1].labels) if test else 0
    x = np.concatenate([part.features for part in parts])
    y = np.concatenate([part.labels for part in parts])
    return Arrays(parts[0].names, x, y, test_rows)
