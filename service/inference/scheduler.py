"""When and where a batch runs, and the bound on what may wait.

A run that costs less than handing it to a thread belongs on the event loop. A costlier one runs on
a thread of its version's own, which holds no lock of the interpreter meanwhile: the loop decodes
other requests, and those that wait when the thread is free go together. Nothing waits for company:
a lone request starts at once. This module knows neither HTTP nor onnxruntime.
"""

import asyncio
import itertools
import queue
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from service.errors import Overloaded
from service.inference.features import Features, Floats, joined

Run = Callable[[Features, Sequence[str]], list[Floats]]

# What a thread's answer costs more than the loop's, in seconds of latency (docs/decisions/0017).
_HOP_S = 1e-4
# Beyond these, more rows in a run of a wide model no longer make a row cheaper.
AUTO_ROWS = 64
_MEASURED_ROWS = 64
_REPEATS = 5


@dataclass(frozen=True)
class Cost:
    """Seconds of a run: those of a single row, and what each further row adds."""

    first_row_s: float
    next_row_s: float

    def of(self, rows: int) -> float:
        """Seconds that so many rows take."""
        return self.first_row_s + max(rows - 1, 0) * self.next_row_s


@dataclass(frozen=True)
class Batching:
    """At most so many rows of several requests in one run, and so many rows waiting in all."""

    rows: int = AUTO_ROWS
    waiting_rows: int = 20_000


DEFAULT_BATCHING = Batching()


@dataclass(frozen=True)
class _Waiting:
    features: Features
    outputs: Sequence[str]
    answer: "asyncio.Future[list[Floats]]"
    loop: asyncio.AbstractEventLoop


@dataclass
class Scheduler:
    """Runs one version. Used from one event loop; `run_model` may be called from any thread."""

    run_model: Run
    cost: Cost
    batching: Batching
    _queue: "queue.SimpleQueue[_Waiting]" = field(default_factory=queue.SimpleQueue, init=False)
    _held: _Waiting | None = field(default=None, init=False)
    _waiting_rows: int = field(default=0, init=False)
    _thread: threading.Thread | None = field(default=None, init=False)

    def runs_at_once(self, rows: int) -> bool:
        """Whether so many rows belong on the event loop."""
        return self.cost.of(rows) <= _HOP_S

    async def run(self, features: Features, outputs: Sequence[str]) -> list[Floats]:
        """The outputs for the rows, computed in the thread. Raises Overloaded."""
        rows = len(features)
        limit = self.batching.waiting_rows
        if self._waiting_rows and self._waiting_rows + rows > limit:
            raise Overloaded(
                f"{self._waiting_rows} rows wait for this model: expected at most {limit} with "
                f"this request's {rows}"
            )
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="runs", daemon=True)
            self._thread.start()
        loop = asyncio.get_running_loop()
        waiting = _Waiting(features, outputs, loop.create_future(), loop)
        self._waiting_rows += rows
        self._queue.put(waiting)
        try:
            return await waiting.answer
        finally:
            self._waiting_rows -= rows

    def _work(self) -> None:
        while True:
            batch = self._gather()
            self._answer([waiting for waiting in batch if not waiting.answer.cancelled()])

    def _gather(self) -> list[_Waiting]:
        """What waits and goes together; the first is waited for, no other."""
        first, self._held = self._held or self._queue.get(), None
        batch, rows = [first], len(first.features)
        while rows < self.batching.rows:
            try:
                following = self._queue.get_nowait()
            except queue.Empty:
                break
            rows += len(following.features)
            if rows > self.batching.rows or following.outputs != first.outputs:
                self._held = following
                break
            batch.append(following)
        return batch

    def _answer(self, batch: Sequence[_Waiting]) -> None:
        if not batch:
            return
        answers: list[list[Floats] | Exception]
        try:
            answers = list(self._run(batch))
        except Exception as exc:  # noqa: BLE001 - whoever waits is told
            # One that cannot be run must not take the others with it.
            answers = [exc] if len(batch) == 1 else [self._alone(waiting) for waiting in batch]
        batch[0].loop.call_soon_threadsafe(_deliver, batch, answers)

    def _run(self, batch: Sequence[_Waiting]) -> Iterator[list[Floats]]:
        first = batch[0]
        if len(batch) == 1:
            yield self.run_model(first.features, first.outputs)
            return
        together = self.run_model(joined([w.features for w in batch]), first.outputs)
        ends = list(itertools.accumulate(len(waiting.features) for waiting in batch))
        for start, end in itertools.pairwise([0, *ends]):
            yield [output[start:end] for output in together]

    def _alone(self, waiting: _Waiting) -> list[Floats] | Exception:
        try:
            return self.run_model(waiting.features, waiting.outputs)
        except Exception as exc:  # noqa: BLE001 - whoever waits is told
            return exc


def measured(run: Callable[[Features], object], rows: Features) -> Cost:
    """What runs cost here and now, by the medians over a few of 1 and of 64 rows like these."""
    many = rows[np.arange(_MEASURED_ROWS) % len(rows)]
    one_s, many_s = _median_s(run, many[:1]), _median_s(run, many)
    return Cost(one_s, max(many_s - one_s, 0.0) / (_MEASURED_ROWS - 1))


def _median_s(run: Callable[[Features], object], features: Features) -> float:
    times = []
    for _ in range(_REPEATS):
        started = time.perf_counter()
        run(features)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def _deliver(batch: Sequence[_Waiting], answers: Sequence[list[Floats] | Exception]) -> None:
    for waiting, answer in zip(batch, answers, strict=True):
        if waiting.answer.done():
            continue
        if isinstance(answer, Exception):
            waiting.answer.set_exception(answer)
        else:
            waiting.answer.set_result(answer)
