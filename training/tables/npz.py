"""NPZ, numpy's zip of arrays: x and y, and nothing that has to be unpickled."""

import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from training.errors import TableInvalid
from training.tables.room import Room

_WANTED = ("x", "y")


def parse_npz(path: Path, room: Room) -> tuple[npt.NDArray[np.generic], npt.NDArray[np.generic]]:
    """The arrays x and y. Raises TableInvalid."""
    members = _members(path)
    if not all(name in members for name in _WANTED):
        raise TableInvalid(
            f"{path}: expected an NPZ file with the arrays x and y (spreadsheets and other zip "
            f"files are not read: save as CSV), got {', '.join(list(members)[:5]) or 'none'}"
        )
    # No more than the stated size is ever read of a member.
    room.take(path, sum(members[name].file_size for name in _WANTED))
    x, y = (_load(path, name, members[name]) for name in _WANTED)
    return x, y


def _members(path: Path) -> dict[str, zipfile.ZipInfo]:
    try:
        with zipfile.ZipFile(path) as archive:
            return {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
    # A damaged archive makes zipfile raise nearly anything.
    except Exception as exc:
        raise _not_whole(path, exc) from exc


def _load(path: Path, name: str, member: zipfile.ZipInfo) -> npt.NDArray[np.generic]:
    try:
        with zipfile.ZipFile(path) as archive, archive.open(member) as file:
            found = np.lib.format.read_array(file, allow_pickle=False)
    # So does an array's header, which is a Python literal, make numpy.
    except Exception as exc:
        raise _not_whole(path, exc, name) from exc
    return np.asarray(found)


def _not_whole(path: Path, exc: Exception, name: str = "") -> TableInvalid:
    where = f" (array {name})" if name else ""
    reason = (str(exc).splitlines() or [""])[0][:200] or type(exc).__name__
    return TableInvalid(f"{path}: is not an NPZ file of plain arrays{where}: {reason}")
