"""Work beside the event loop: done in order, told once, and left undone for those who left."""

import asyncio
import logging
import threading
from functools import partial
from typing import Any

import pytest

from service.api.beside import Beside, LeftError
from service.api.calls import find
from service.api.direct import LONG_BYTES, Answer, DirectEndpoints
from service.api.in_flight import BodiesInFlight
from service.api.metrics import Metrics
from service.api.middleware.request_id import RequestIds
from service.api.tally import Tally
from service.errors import InvalidInput

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_work_is_done_on_one_thread_in_order_and_told_on_the_loop() -> None:
    beside = Beside[tuple[int, str]]("test")
    told: asyncio.Queue[Any] = asyncio.Queue()

    def tell(result: object) -> None:
        told.put_nowait((result, threading.current_thread()))

    def work(number: int) -> tuple[int, str]:
        return number, threading.current_thread().name

    for number in range(3):
        beside.do(partial(work, number), tell, is_wanted=lambda: True)

    for number in range(3):
        assert await told.get() == ((number, "test"), threading.current_thread())


async def test_unwanted_work_is_not_done_and_a_failure_is_told() -> None:
    beside = Beside[None]("test")
    told: asyncio.Queue[Any] = asyncio.Queue()
    done: list[str] = []

    def fail() -> None:
        values = list(range(1000))
        raise InvalidInput(f"{len(values)} are too many")

    beside.do(lambda: done.append("unwanted"), told.put_nowait, is_wanted=lambda: False)
    beside.do(fail, told.put_nowait, is_wanted=lambda: True)

    assert isinstance(await told.get(), LeftError)
    failure = await told.get()
    assert str(failure) == "1000 are too many"
    # What its frames held must not be freed on the loop.
    assert failure.__traceback__ is None
    assert done == []


class _Client:
    disconnected = False

    def __init__(self) -> None:
        self.answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

    def send(self, answer: Answer) -> None:
        self.answer.set_result(answer)


@pytest.mark.parametrize(
    ("error", "status"), [(RuntimeError("unforeseen"), 500), (InvalidInput("unfit"), 422)]
)
async def test_failure_of_a_long_body_is_answered_as_that_of_a_short_one(
    error: Exception, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_name: str, _version: str | None, _body: bytes) -> bytes:
        raise error

    metrics = Metrics()
    bodies = BodiesInFlight(2 * LONG_BYTES)
    endpoints = DirectEndpoints(
        {":predict": fail},
        ids=RequestIds(),
        metrics=metrics,
        body_limit_bytes=2 * LONG_BYTES,
        bodies=bodies,
        tally=Tally(metrics),
    )
    call, client = find("/v1/models/digits:predict"), _Client()
    assert call is not None

    with caplog.at_level(logging.ERROR):
        endpoints.answer(call, {b"x-request-id": b"long"}, b" " * (LONG_BYTES + 1), client)
        assert bodies.held_bytes == LONG_BYTES + 1
        answer = await client.answer

    assert (answer.status, answer.request_id) == (status, b"long")
    assert bodies.held_bytes == 0
    assert f'status="{status}",verb="predict"' in metrics.text().decode()
    assert ("request long failed" in caplog.text) == (status == 500)
