"""Runs of models that wait: what a slow model does, and for as long as is asked for."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from service.inference import scheduler

_PATIENCE_S = 20.0


class HeldRuns:
    """Runs that have begun and not ended."""

    def __init__(self) -> None:
        self._began, self._released = threading.Event(), threading.Event()

    def wait(self) -> None:
        """Return when one has begun."""
        if not self._began.wait(_PATIENCE_S):
            raise TimeoutError("no run has begun")

    def release(self) -> None:
        """Let all go on."""
        self._released.set()

    def hold(self) -> None:
        """Called by a run; the event loop is never held."""
        if threading.current_thread().name != "runs":
            return
        self._began.set()
        self._released.wait(_PATIENCE_S)


@contextmanager
def held_runs() -> Iterator[HeldRuns]:
    """Hold the runs of every service in this process until they are released, or to the end."""
    runs, run = HeldRuns(), scheduler._run  # noqa: SLF001 - the one place where all runs pass

    def held(*arguments: Any) -> Any:
        runs.hold()
        return run(*arguments)

    scheduler._run = held  # type: ignore[assignment]  # noqa: SLF001 - as above
    try:
        yield runs
    finally:
        scheduler._run = run  # noqa: SLF001 - as above
        runs.release()
