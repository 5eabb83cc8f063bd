"""When and where a batch runs, and the bound on what may wait.

A run that costs less than handing it to a thread belongs on the event loop: what came in one turn
of the loop runs as one batch at the end of the turn. A costlier one runs on a thread of its
version's own, which holds no lock of the interpreter meanwhile: the loop decodes other requests,
and those that wait when the thread is free go together. Nothing waits for company: a lone request
starts at once. This module knows neither HTTP nor onnxruntime.
"""

import asyncio
import itertools
import logging
import math
import queue
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np

from service.errors import Overloaded, RunFailed, RunTooLong
from service.inference.features import Features, Floats, joined

RunModel = Callable[[Features, Sequence[str]], list[Floats]]
# Told once, on the event loop: the outputs of one request's rows, or why there are none.
Done = Callable[[list[Floats] | Exception], None]

# What a thread's answer costs more than the loop's, in seconds of latency (docs/decisions/0017).
_HOP_S = 1e-4
# A row of a wide model gets no cheaper beyond a few in a run (docs/decisions/0017).
_AUTO_THREAD_ROWS = 16
# A run that takes so many seconds on the loop was not measured so; after a few of them runs go to
# the thread for a while, and for twice as long each time.
_LONG_S = 0.02
_LONG_RUNS, _AWAY_S = 3, 60.0
_MEASURED_ROWS = 64
_REPEATS = 5
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Cost:
    """Seconds of a run: those of a single row, and what each further row adds."""

    first_row_s: float
    next_row_s: float

    def rows_within(self, seconds: float) -> float:
        """How many rows a run of so many seconds takes, below one when not even the first."""
        return max(0.0, 1 + (seconds - self.first_row_s) / self.next_row_s)


@dataclass(frozen=True)
class Batching:
    """At most so many rows of several requests in one run, and so many rows waiting in all.

    Without a number a run on the event loop may take as many as cost no more than a hop.
    """

    rows: int | None = None
    waiting_rows: int = 100_000


DEFAULT_BATCHING = Batching()


class _Waiting(NamedTuple):
    features: Features
    outputs: Sequence[str]
    done: Done


@dataclass
class Scheduler:
    """Runs one version. Used from one event loop; `run_model` may be called from any thread."""

    run_model: RunModel
    cost: Cost
    batching: Batching
    # What `cost` was measured for; of other outputs it says nothing.
    measured_outputs: Sequence[str]
    # With a smaller bound in seconds than that of `run_model`, if it has one.
    run_on_loop: RunModel | None = None
    name: str = "a version"
    _turn: list[_Waiting] = field(default_factory=list, init=False)
    _queue: "queue.SimpleQueue[_Waiting]" = field(default_factory=queue.SimpleQueue, init=False)
    _held: _Waiting | None = field(default=None, init=False)
    _waiting_rows: int = field(default=0, init=False)
    _thread: threading.Thread | None = field(default=None, init=False)
    _long_runs: int = field(default=0, init=False)
    _away_s: float = field(default=_AWAY_S, init=False)

    def submit(self, features: Features, outputs: Sequence[str], done: Done) -> None:
        """Compute the outputs for the rows. Raises Overloaded when too many rows wait already."""
        waiting = _Waiting(features, outputs, done)
        if outputs != self.measured_outputs or len(features) > self._cheap_rows:
            self._hand_over(waiting)
            return
        if not self._turn:
            # For the first of a turn alone: to ask for the loop is a call of the system.
            asyncio.get_running_loop().call_soon(self._end_turn)
        self._turn.append(waiting)

    @cached_property
    def _cheap_rows(self) -> float:
        return self.cost.rows_within(_HOP_S)

    def _end_turn(self) -> None:
        turn, self._turn = self._turn, []
        limit = self.batching.rows or math.inf
        for batch in _batches(turn, min(limit, self._cheap_rows)):
            if self._cheap_rows:
                self._run_here(batch)
            else:
                self._hand_over_all(batch)

    def _run_here(self, batch: Sequence[_Waiting]) -> None:
        started = time.perf_counter()
        try:
            answers = self._answers(batch, self.run_on_loop or self.run_model)
        except RunTooLong:
            self._leave_the_loop()
            self._hand_over_all(batch)
            return
        if time.perf_counter() - started > _LONG_S:
            self._long_runs += 1
            if self._long_runs >= _LONG_RUNS:
                self._leave_the_loop()
        _deliver(batch, answers)

    def _leave_the_loop(self) -> None:
        if not self._cheap_rows:
            return
        usual, self._cheap_rows, self._long_runs = self._cheap_rows, 0, 0
        _log.warning("%s takes longer than was measured: its runs go to a thread", self.name)
        loop = asyncio.get_running_loop()
        loop.call_later(self._away_s, self.__dict__.__setitem__, "_cheap_rows", usual)
        self._away_s *= 2

    def _hand_over_all(self, batch: Sequence[_Waiting]) -> None:
        for waiting in batch:
            try:
                self._hand_over(waiting)
            except Overloaded as exc:
                _deliver([waiting], [exc])

    def _hand_over(self, waiting: _Waiting) -> None:
        rows, limit = len(waiting.features), self.batching.waiting_rows
        if self._waiting_rows and self._waiting_rows + rows > limit:
            raise Overloaded(
                f"{self._waiting_rows} rows wait for this model: expected at most {limit} with "
                f"this request's {rows}"
            )
        if self._thread is None:
            loop = asyncio.get_running_loop()
            thread = threading.Thread(target=self._work, args=(loop,), name="runs", daemon=True)
            thread.start()
            self._thread = thread
        self._waiting_rows += rows
        self._queue.put(waiting)

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        while True:
            batch = self._gather()
            loop.call_soon_threadsafe(self._return, batch, self._thread_answers(batch))

    def _thread_answers(self, batch: Sequence[_Waiting]) -> "_Answers":
        try:
            return self._answers(batch, self.run_model)
        except RunTooLong as exc:
            # To find out whose rows they are would take as long for each.
            _log.error("a run of %s failed: %s", self.name, exc)
            return [exc] * len(batch)

    def _return(self, batch: Sequence[_Waiting], answers: "_Answers") -> None:
        self._waiting_rows -= sum(len(waiting.features) for waiting in batch)
        _deliver(batch, answers)

    def _gather(self) -> list[_Waiting]:
        """What waits and goes together; the first is waited for, no other."""
        first, self._held = self._held or self._queue.get(), None
        batch, rows = [first], len(first.features)
        limit = self.batching.rows or _AUTO_THREAD_ROWS
        while rows < limit:
            try:
                following = self._queue.get_nowait()
            except queue.Empty:
                break
            rows += len(following.features)
            if rows > limit or following.outputs != first.outputs:
                self._held = following
                break
            batch.append(following)
        return batch

    def _answers(self, batch: Sequence[_Waiting], run: RunModel) -> "_Answers":
        """Each request's outputs or failure. Raises RunTooLong."""
        try:
            return _run(batch, run)
        except RunTooLong:
            raise
        except Exception as exc:  # noqa: BLE001 - whoever waits is told
            # One that cannot be run must not take the others with it.
            if len(batch) > 1:
                return [answer for waiting in batch for answer in self._answers([waiting], run)]
            if isinstance(exc, RunFailed):
                _log.error("a run of %s failed: %s", self.name, exc)
            return [exc]


def _run(batch: Sequence[_Waiting], run: RunModel) -> "_Answers":
    first = batch[0]
    if len(batch) == 1:
        return [run(first.features, first.outputs)]
    together = run(joined([waiting.features for waiting in batch]), first.outputs)
    ends = itertools.accumulate((len(waiting.features) for waiting in batch), initial=0)
    return [[output[a:b] for output in together] for a, b in itertools.pairwise(ends)]


_Answers = Sequence[list[Floats] | Exception]


def _batches(turn: Sequence[_Waiting], limit: float) -> Iterator[list[_Waiting]]:
    """The turn's requests in order, together up to so many rows."""
    batch: list[_Waiting] = []
    rows = 0
    for waiting in turn:
        rows += len(waiting.features)
        if batch and rows > limit:
            yield batch
            batch, rows = [], len(waiting.features)
        batch.append(waiting)
    yield batch


def _deliver(batch: Sequence[_Waiting], answers: _Answers) -> None:
    for waiting, answer in zip(batch, answers, strict=True):
        try:
            waiting.done(answer)
        except Exception:  # noqa: BLE001 - the others have waited too
            _log.exception("an answer could not be delivered")


def measured(run: Callable[[Features], object], rows: Features) -> Cost:
    """What runs cost here and now, by the medians over a few of 1 and of 64 rows like these."""
    many = rows[np.arange(_MEASURED_ROWS) % len(rows)]
    one_s, many_s = _median_s(run, many[:1]), _median_s(run, many)
    # A moment of noise must not make further rows free.
    return Cost(one_s, max(many_s - one_s, one_s) / (_MEASURED_ROWS - 1))


def _median_s(run: Callable[[Features], object], features: Features) -> float:
    times = []
    for _ in range(_REPEATS):
        started = time.perf_counter()
        run(features)
        times.append(time.perf_counter() - started)
    return statistics.median(times)
