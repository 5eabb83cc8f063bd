"""Work that takes long, beside the event loop: everybody else is answered meanwhile."""

import asyncio
import queue
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, NamedTuple, TypeVar

from service.errors import ServiceError

T = TypeVar("T")


class LeftError(Exception):
    """Nobody was there any more to do the work for."""


class _Job(NamedTuple):
    work: Callable[[], Any]
    is_wanted: Callable[[], bool]
    done: Callable[[Any], None]
    loop: asyncio.AbstractEventLoop


class Beside(Generic[T]):
    """A thread that does one thing after another; started by the first."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def do(
        self,
        work: Callable[[], T],
        done: Callable[[T | Exception], None],
        *,
        is_wanted: Callable[[], bool],
    ) -> None:
        """Do this work, unless it is unwanted by then, and tell the loop what came of it, once.

        `work` and `is_wanted` are called on the thread, `done` on the event loop of the caller.
        """
        if self._thread is None:
            thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            thread.start()
            self._thread = thread
        self._jobs.put(_Job(work, is_wanted, done, asyncio.get_running_loop()))

    def _work(self) -> None:
        while True:
            self._do(self._jobs.get())

    @staticmethod
    def _do(job: _Job) -> None:
        try:
            result = job.work() if job.is_wanted() else LeftError()
        except Exception as exc:  # noqa: BLE001 - whoever waits is told
            result = _without_values(exc)
        # The loop may be gone by then.
        with suppress(RuntimeError):
            job.loop.call_soon_threadsafe(job.done, result)


def _without_values(error: Exception) -> Exception:
    """The error without what its frames hold: to free a million values takes the loop's time."""
    cause: BaseException | None = error
    while cause is not None:
        traceback.clear_frames(cause.__traceback__)
        cause = cause.__cause__ or cause.__context__
    # One that is foreseen is explained, not traced.
    return error.with_traceback(None) if isinstance(error, ServiceError) else error
