"""The files that one worker of several counts in, and what they may take of the shared memory."""

import fcntl
import itertools
import json
import os
import sys
import time
from collections.abc import Sequence
from typing import Literal

from prometheus_client import values

# What a worker's counts take of each kind from the beginning on.
_RESERVED_BYTES = 256 * 1024
# More than the library writes of one number beside its label values.
_ENTRY_BYTES = 1024
# After there was no space: to look for it takes tenths of a millisecond.
_TRY_AGAIN_S = 10.0


class CountingFiles:
    """The files of one slot of `folder`; numbers of prometheus_client made afterwards are in them.

    A file has its blocks before the library maps and writes it: a write to one that the memory is
    too full for would end the process. A worker goes on with the slot of one that has died. Raises
    OSError where there is no space for them.
    """

    def __init__(self, folder: str) -> None:
        self._slot = _free_slot(folder)
        self._full_until = 0.0
        # Open to the end: a process that may open no more files goes on counting.
        self._files = {}
        for kind in ("counter", "histogram"):
            path = f"{folder}/{kind}_{self._slot}.db"
            self._files[kind] = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC)
            os.posix_fallocate(self._files[kind], 0, _RESERVED_BYTES)
        slot = self._slot
        values.ValueClass = values.MultiProcessValue(lambda: slot)  # type: ignore[no-untyped-call]

    def have_space(
        self, kind: Literal["counter", "histogram"], numbers: int, labels: Sequence[str]
    ) -> bool:
        """Whether so many numbers with these label values can be written; the file grows for them.

        It doubles, as the library will have it.
        """
        file = self._files[kind]
        size = os.fstat(file).st_size
        used = int.from_bytes(os.pread(file, 4, 0), sys.byteorder)
        needed = used + numbers * (_ENTRY_BYTES + len(json.dumps(labels)))
        return needed <= size or self._grows(file, size, needed)

    def _grows(self, file: int, size: int, needed: int) -> bool:
        if time.monotonic() < self._full_until:
            return False
        while size < needed:
            size *= 2
        try:
            os.posix_fallocate(file, 0, size)
        except OSError:
            self._full_until = time.monotonic() + _TRY_AGAIN_S
            return False
        return True


def _free_slot(folder: str) -> int:
    """The first slot that no living process holds; it is held until this process ends."""
    for slot in itertools.count():
        lock = os.open(f"{folder}/slot_{slot}", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
        else:
            return slot
    raise AssertionError
