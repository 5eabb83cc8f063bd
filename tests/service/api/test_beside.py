"""Work beside the event loop: done in order, told once, and left undone for those who left."""

import asyncio
import logging
import threading
from functools import partial
from typing import Any

import pytest

from service.api.beside import Beside, LeftError
from service.api.calls import Call
from service.api.direct import LONG_BYTES, Answer, DirectEndpoints, Handler
from service.api.in_flight import BodiesInFlight
from service.api.metrics import Metrics
from service.api.middleware.request_id import RequestIds
from service.api.tally import Tally
from service.errors import InvalidInput

pytestmark = pytest.mark.anyio

CALL = Call("/v1/models/digits:predict", ":predict", "digits", None)
LONG = b" " * (LONG_BYTES + 1)


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


def _endpoints(handler: Handler, metrics: Metrics, bodies: BodiesInFlight) -> DirectEndpoints:
    return DirectEndpoints(
        {":predict": handler},
        ids=RequestIds(),
        metrics=metrics,
        body_limit_bytes=2 * LONG_BYTES,
        bodies=bodies,
        tally=Tally(metrics),
    )


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
    endpoints = _endpoints(fail, metrics, bodies)
    client = _Client()

    with caplog.at_level(logging.ERROR):
        endpoints.answer(CALL, {b"x-request-id": b"long"}, b" " * (LONG_BYTES + 1), client)
        assert bodies.held_bytes == LONG_BYTES + 1
        answer = await client.answer

    assert (answer.status, answer.request_id) == (status, b"long")
    assert bodies.held_bytes == 0
    assert f'status="{status}",verb="predict"' in metrics.text().decode()
    assert ("request long failed" in caplog.text) == (status == 500)


async def test_thread_that_cannot_be_started_is_started_for_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bodies = BodiesInFlight(2 * LONG_BYTES)
    endpoints = _endpoints(lambda *_: b"{}", Metrics(), bodies)
    refused, answered = _Client(), _Client()

    def fail(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", fail)
        endpoints.answer(CALL, {}, LONG, refused)
    endpoints.answer(CALL, {}, LONG, answered)

    assert (await refused.answer).status == 500
    assert (await asyncio.wait_for(answered.answer, 10)).status == 200
    assert bodies.held_bytes == 0


async def test_long_body_that_cannot_be_counted_is_answered() -> None:
    class Full(Metrics):
        def count_request(self, *_: object) -> None:
            raise OSError("too many open files")

    client = _Client()

    _endpoints(lambda *_: b"{}", Full(), BodiesInFlight(2 * LONG_BYTES)).answer(
        CALL, {}, LONG, client
    )

    assert (await asyncio.wait_for(client.answer, 10)).status == 500


async def test_long_body_of_a_client_that_has_left_is_not_decoded() -> None:
    is_busy, may_go_on = threading.Event(), threading.Event()
    decoded: list[str] = []

    def decode(name: str, _version: str | None, _body: bytes) -> bytes:
        decoded.append(name)
        is_busy.set()
        may_go_on.wait(30)
        return b"{}"

    bodies = BodiesInFlight(4 * LONG_BYTES)
    endpoints = _endpoints(decode, Metrics(), bodies)
    first, leaving, last = _Client(), _Client(), _Client()
    for name, client in (("first", first), ("leaving", leaving), ("last", last)):
        endpoints.answer(CALL._replace(name=name), {}, LONG, client)
    await asyncio.to_thread(is_busy.wait, 30)
    leaving.disconnected = True
    may_go_on.set()

    assert (await last.answer).status == 200
    assert decoded == ["first", "last"]
    assert not leaving.answer.done()
    assert bodies.held_bytes == 0
