"""Atomic publishing: a version appears whole, under the next free number, or not at all."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from service.model_repository.layout import version_folders
from training.announce import show_notes
from training.errors import PublishFailed
from training.locks import holding, host_name, is_held

_STAGING = ".publishing-"


def check_writable(models: Path, name: str) -> None:
    """Raise PublishFailed unless a version of `name` can be published; leaves nothing behind.

    What other machines' processes left, or are at, is told on standard error.
    """
    with _staging(models, name):
        pass
    for left in sorted(_left_in(models / name)):
        if not _is_of_this_host(left):
            note = "is another machine's: if its process has ended, it can be removed by hand"
            show_notes([f"{left} {note}"])


def publish(models: Path, name: str, files: Mapping[str, bytes]) -> Path:
    """Write `files` as the next version of `name` and return its folder.

    The files are written and synced in a hidden folder, which no reader takes for a version,
    and the folder is then renamed. Raises PublishFailed; nothing half-written stays.
    """
    with _staging(models, name) as staging:
        try:
            for file_name, content in files.items():
                _write_synced(staging / file_name, content)
            for folder in {(staging / file_name).parent for file_name in files}:
                _sync_folder(folder)
            published = _rename_to_next(staging, models / name)
            _sync_folder(models / name)
        except OSError as exc:
            raise PublishFailed(_cannot(models / name, exc)) from exc
    return published


def _cannot(folder: Path, error: OSError) -> str:
    return f"cannot publish in {folder}: {error.strerror}; --models names another folder"


@contextmanager
def _staging(models: Path, name: str) -> Iterator[Path]:
    folder = models / name
    made: list[Path] = []
    with ExitStack() as held:
        try:
            made += [path for path in (folder, *folder.parents) if not path.exists()]
            staging = _made(folder, held)
            for path in made:
                _sync_folder(path.parent)
        except OSError as exc:
            _remove_empty(made)
            raise PublishFailed(_cannot(folder, exc)) from exc
        try:
            yield staging
        finally:
            shutil.rmtree(staging, ignore_errors=True)
            _remove_empty(made)


def _made(folder: Path, held: ExitStack) -> Path:
    """A hidden folder in that of the model, held until `held` ends, so that nobody removes it."""
    with holding(folder, wait=True):
        for left in _left_in(folder):
            # Its process was killed. Of another machine's the lock says nothing: a file system
            # that is mounted over a network may keep locks to each machine.
            if _is_of_this_host(left) and not is_held(left):
                shutil.rmtree(left, ignore_errors=True)
        prefix = f"{_STAGING}{host_name()}-{os.getpid()}-"
        staging = Path(tempfile.mkdtemp(prefix=prefix, dir=folder))
        held.enter_context(holding(staging, wait=False))
    # mkdtemp's folder is private to its owner; a service may run as somebody else.
    staging.chmod(0o755)
    return staging


def _left_in(folder: Path) -> list[Path]:
    return list(folder.glob(f"{_STAGING}*"))


def _is_of_this_host(left: Path) -> bool:
    """Whether it is named as this machine names such folders: host, process, letters."""
    return left.name.rsplit("-", 2)[0] == f"{_STAGING}{host_name()}"


def _rename_to_next(staging: Path, folder: Path) -> Path:
    number = max(version_folders(folder), default=0) + 1
    while True:
        target = folder / str(number)
        try:
            # A folder that another run published meanwhile is not empty, so this fails.
            staging.rename(target)
        except OSError:
            if not target.exists():
                raise
            number += 1
        else:
            return target


def _write_synced(path: Path, content: bytes) -> None:
    if not path.parent.exists():
        path.parent.mkdir()
        path.parent.chmod(0o755)
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    path.chmod(0o644)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_empty(folders: list[Path]) -> None:
    """The innermost comes first; one that another run is about to use stays until it is free."""
    for folder in folders:
        try:
            with holding(folder, wait=True):
                folder.rmdir()
        except OSError:
            return
