"""Folders that one process holds; what a killed process held is free."""

import errno
import fcntl
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# A file system without locks, such as some that are mounted over a network, holds nobody up.
_NO_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS}
_TRIES = 1000


@contextmanager
def holding(folder: Path, *, wait: bool) -> Iterator[None]:
    """Make the folder if need be, and hold it until the end of the block.

    Raises BlockingIOError when another process holds it and `wait` is false, and OSError.
    """
    descriptor = _hold(folder, wait=wait)
    try:
        yield
    finally:
        os.close(descriptor)


def host_name() -> str:
    """The machine's name, as a part of a file's name."""
    return re.sub(r"[^A-Za-z0-9.-]", "_", socket.gethostname())


def is_held(folder: Path) -> bool:
    """Whether a process holds it, or may hold it, or has moved it away."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _hold(folder: Path, *, wait: bool) -> int:
    for _ in range(_TRIES):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            # Another process has removed an empty folder in between.
            continue
        try:
            _lock(descriptor, wait=wait)
            if _is_at(descriptor, folder):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder))


def _lock(descriptor: int, *, wait: bool) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError as exc:
        if exc.errno not in _NO_LOCKS:
            raise


def _is_at(descriptor: int, folder: Path) -> bool:
    """Whether the folder that was opened is still the one of that name."""
    try:
        return os.path.samestat(os.fstat(descriptor), folder.stat())
    except FileNotFoundError:
        return False
