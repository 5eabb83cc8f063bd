"""A bound on the seconds of a run: ONNX Runtime can be told, between two nodes, to give up."""

import logging
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from typing import Protocol

from service.errors import RunTooLong
from service.inference.features import Features, Floats

_LOOK_EVERY_S = 0.05
# How long it goes on looking after the last run.
_IDLE_LOOKS = 20
_log = logging.getLogger(__name__)


class Stoppable(Protocol):
    """What a run is told with that it shall end."""

    terminate: bool


Run = Callable[[Features, Sequence[str], Stoppable], list[Floats]]


class BoundedRun:
    """Runs of one version by one thread at a time, each ended after so many seconds."""

    def __init__(
        self, run: Run, options: Stoppable, *, name: str, limit_s: float, watchdog: "Watchdog"
    ) -> None:
        self._run = run
        self._options = options
        self._name = name
        self._limit_s = limit_s
        self._watchdog = watchdog
        self._lock = threading.Lock()
        self._began: float | None = None
        self._stopped = self._told = False
        watchdog.watch(self)

    def __call__(self, features: Features, outputs: Sequence[str]) -> list[Floats]:
        """The outputs for the rows. Raises RunTooLong."""
        self._began = time.monotonic()
        if not self._watchdog.awake:
            self._watchdog.wake()
        try:
            return self._run(features, outputs, self._options)
        except Exception as exc:
            if self._stopped:
                raise RunTooLong(
                    f"the run was ended: expected at most {self._limit_s:g} seconds for "
                    f"{len(features)} rows"
                ) from exc
            raise
        finally:
            # Else the next run could be told what was meant for this one.
            with self._lock:
                self._began = None
                if self._stopped:
                    self._stopped = self._told = self._options.terminate = False

    def look(self, now: float) -> bool:
        """Whether a run is in progress; it is told to end when its time is over."""
        with self._lock:
            began = self._began
            if began is None:
                return False
            if now - began > self._limit_s:
                self._stopped = self._options.terminate = True
            if now - began > 2 * self._limit_s + 1 and not self._told:
                self._told = True
                _log.critical(
                    "a run of %s does not end: expected at most %g seconds, it has taken %.0f",
                    *(self._name, self._limit_s, now - began),
                )
            return True


class Watchdog:
    """Looks after the runs of one process from a thread that sleeps while there are none."""

    def __init__(self) -> None:
        self.awake = False
        self._runs: list[weakref.ref[BoundedRun]] = []
        self._starting = threading.Lock()
        self._called = threading.Event()
        self._thread: threading.Thread | None = None

    def watch(self, run: BoundedRun) -> None:
        """Look after the runs of this one, too."""
        self._runs = [*(known for known in self._runs if known() is not None), weakref.ref(run)]

    def wake(self) -> None:
        """A run has begun."""
        self.awake = True
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="watchdog", daemon=True)
                self._thread.start()
        self._called.set()

    def _work(self) -> None:
        while True:
            self._called.wait()
            self._called.clear()
            idle = 0
            while idle < _IDLE_LOOKS:
                time.sleep(_LOOK_EVERY_S)
                idle = 0 if self._any_in_progress() else idle + 1
            self.awake = False
            # One that began before that has called nobody.
            if self._any_in_progress():
                self.awake = True
                self._called.set()

    def _any_in_progress(self) -> bool:
        now = time.monotonic()
        alive = [run for known in self._runs if (run := known()) is not None]
        return sum(run.look(now) for run in alive) > 0
