"""Which rows run together, when, and whose error is whose."""

import asyncio
import threading
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from service.errors import Overloaded
from service.inference.features import Features, Floats, numbers_only
from service.inference.scheduler import Batching, Cost, Scheduler, measured

pytestmark = pytest.mark.anyio

CHEAP, COSTLY = Cost(1e-6, 1e-7), Cost(1.0, 1e-3)
BAD = -1.0
Outcome = list[Floats] | Exception
PROBABILITIES = ("probabilities",)


def _rows(*values: float) -> Features:
    return numbers_only(np.array([[value] for value in values], np.float32))


class Model:
    """Doubles rows, notes its batches, and fails on BAD; with a gate it waits for it to open."""

    def __init__(self, gate: threading.Event | None = None) -> None:
        self.batches: list[list[float]] = []
        self.threads: set[str] = set()
        self.entered = threading.Event()
        self._gate = gate

    def __call__(self, features: Features, outputs: Sequence[str]) -> list[Floats]:
        values = features.numeric[:, 0].tolist()
        self.batches.append(values)
        self.threads.add(threading.current_thread().name)
        self.entered.set()
        if self._gate is not None:
            assert self._gate.wait(10)
        if BAD in values:
            raise ValueError("a bad row")
        return [features.numeric * (2 + i) for i in range(len(outputs))]


async def _all(
    scheduler: Scheduler, *asked: tuple[Features, tuple[str, ...]], between: Callable[[], None]
) -> list[Outcome]:
    """Submit all in one turn of the loop, the first a little before; the outcomes in that order."""
    loop = asyncio.get_running_loop()
    futures: list[asyncio.Future[Outcome]] = []
    for features, outputs in asked:
        future: asyncio.Future[Outcome] = loop.create_future()
        scheduler.submit(features, outputs, future.set_result)
        futures.append(future)
        if len(futures) == 1:
            between()
    return list(await asyncio.gather(*futures))


async def _each(
    scheduler: Scheduler,
    *rows: Features,
    outputs: tuple[str, ...] = PROBABILITIES,
    between: Callable[[], None] = lambda: None,
) -> list[Outcome]:
    return await _all(scheduler, *((features, outputs) for features in rows), between=between)


def _values(outcome: Outcome) -> list[float]:
    assert not isinstance(outcome, Exception)
    values: list[float] = outcome[0][:, 0].tolist()
    return values


async def test_cheap_requests_of_one_turn_run_as_one_batch_on_the_loop() -> None:
    model = Model()
    scheduler = Scheduler(model, CHEAP, Batching(), PROBABILITIES)

    outcomes = await _each(scheduler, _rows(1), _rows(2, 3), _rows(4))

    assert [_values(outcome) for outcome in outcomes] == [[2], [4, 6], [8]]
    assert model.batches == [[1, 2, 3, 4]]
    assert model.threads == {threading.current_thread().name}


async def test_requests_of_different_turns_do_not_wait_for_each_other() -> None:
    model = Model()
    scheduler = Scheduler(model, CHEAP, Batching(), PROBABILITIES)

    await _each(scheduler, _rows(1))
    await _each(scheduler, _rows(2))

    assert model.batches == [[1], [2]]


@pytest.mark.parametrize(("rows", "batches"), [(1, [[1], [2], [3]]), (2, [[1, 2], [3]])])
async def test_no_more_rows_than_allowed_run_together(
    rows: int, batches: list[list[float]]
) -> None:
    model = Model()

    outcomes = await _each(
        Scheduler(model, CHEAP, Batching(rows), PROBABILITIES), _rows(1), _rows(2), _rows(3)
    )

    assert model.batches == batches
    assert [_values(outcome) for outcome in outcomes] == [[2], [4], [6]]


async def test_request_that_alone_has_more_rows_than_allowed_still_runs_whole() -> None:
    model = Model()

    (outcome,) = await _each(Scheduler(model, CHEAP, Batching(2), PROBABILITIES), _rows(1, 2, 3))

    assert _values(outcome) == [2, 4, 6]
    assert model.batches == [[1, 2, 3]]


@pytest.mark.parametrize("cost", [CHEAP, COSTLY], ids=["on the loop", "in the thread"])
async def test_bad_row_fails_its_own_request_alone(cost: Cost) -> None:
    gate = threading.Event()
    model = Model(gate if cost is COSTLY else None)
    scheduler = Scheduler(model, cost, Batching(), PROBABILITIES)

    async def submit() -> list[Outcome]:
        asyncio.get_running_loop().call_soon(gate.set)
        return await _each(scheduler, _rows(0), _rows(1), _rows(BAD), _rows(2))

    outcomes = await submit()

    assert [_values(outcomes[i]) for i in (0, 1, 3)] == [[0], [2], [4]]
    assert isinstance(outcomes[2], ValueError)


async def test_costly_run_is_in_a_thread_and_what_waits_meanwhile_goes_together() -> None:
    gate = threading.Event()
    model = Model(gate)
    scheduler = Scheduler(model, COSTLY, Batching(8), PROBABILITIES)
    asyncio.get_running_loop().call_later(0.05, gate.set)

    outcomes = await _each(
        scheduler, _rows(1), _rows(2), _rows(3, 4), between=lambda: _wait(model.entered)
    )

    assert [_values(outcome) for outcome in outcomes] == [[2], [4], [6, 8]]
    # The first started at once, alone.
    assert model.batches == [[1], [2, 3, 4]]
    assert threading.current_thread().name not in model.threads


async def test_request_that_does_not_fit_into_a_batch_leads_the_next() -> None:
    gate = threading.Event()
    model = Model(gate)
    scheduler = Scheduler(model, COSTLY, Batching(3), PROBABILITIES)
    asyncio.get_running_loop().call_later(0.05, gate.set)

    await _each(
        scheduler,
        _rows(1),
        _rows(2, 3),
        _rows(4, 5),
        _rows(6),
        between=lambda: _wait(model.entered),
    )

    assert model.batches == [[1], [2, 3], [4, 5, 6]]


async def test_requests_for_different_outputs_keep_apart() -> None:
    scheduler = Scheduler(Model(), COSTLY, Batching(), PROBABILITIES)

    one, two = await _all(
        scheduler, (_rows(1), ("a",)), (_rows(2), ("a", "b")), between=lambda: None
    )

    assert not isinstance(one, Exception)
    assert not isinstance(two, Exception)
    assert (len(one), len(two)) == (1, 2)
    assert two[1].tolist() == [[6]]


async def test_too_many_waiting_rows_are_refused_at_once_and_later_ones_are_taken() -> None:
    gate = threading.Event()
    model = Model(gate)
    scheduler = Scheduler(model, COSTLY, Batching(1, waiting_rows=3), PROBABILITIES)
    loop = asyncio.get_running_loop()
    first: asyncio.Future[Outcome] = loop.create_future()
    scheduler.submit(_rows(1, 2), ("a",), first.set_result)

    with pytest.raises(Overloaded, match="2 rows wait for this model: expected at most 3 with"):
        scheduler.submit(_rows(3, 4), ("a",), first.set_result)
    gate.set()
    await first

    assert _values((await _each(scheduler, _rows(3, 4)))[0]) == [6, 8]


async def test_lone_request_with_more_rows_than_may_wait_is_taken() -> None:
    scheduler = Scheduler(Model(), COSTLY, Batching(waiting_rows=1), PROBABILITIES)

    (outcome,) = await _each(scheduler, _rows(1, 2, 3))

    assert _values(outcome) == [2, 4, 6]


async def test_outputs_that_were_not_measured_go_to_the_thread() -> None:
    model = Model()
    scheduler = Scheduler(model, CHEAP, Batching(), PROBABILITIES)

    await _each(scheduler, _rows(1), outputs=("a", "b"))

    assert threading.current_thread().name not in model.threads


async def test_answer_that_cannot_be_delivered_does_not_hold_up_the_next() -> None:
    scheduler = Scheduler(Model(), CHEAP, Batching(), PROBABILITIES)

    def fails(_outcome: Outcome) -> None:
        raise RuntimeError("its connection is gone")

    scheduler.submit(_rows(1), ("probabilities",), fails)
    (outcome,) = await _each(scheduler, _rows(2))

    assert _values(outcome) == [4]


def test_cost_tells_how_many_rows_fit_into_a_time() -> None:
    assert Cost(1.0, 0.5).rows_within(2.0) == 3
    assert Cost(1.0, 0.5).rows_within(0.9) < 1
    assert Cost(1.0, 0.001).rows_within(0.9) == 0


def test_cost_is_measured_at_one_and_at_sixty_four_rows() -> None:
    asked: list[int] = []

    cost = measured(lambda features: asked.append(len(features)), _rows(1, 2, 3))

    assert set(asked) == {1, 64}
    assert cost.first_row_s > 0
    assert cost.next_row_s > 0


def _wait(event: threading.Event) -> None:
    assert event.wait(10)
