"""Bodies beyond the limit, whatever length they were declared to have; answers that fail."""

import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from service.api.asgi import Direct
from service.api.calls import find
from service.api.direct import Answer, DirectEndpoints
from service.api.in_flight import BodiesInFlight
from service.api.metrics import Metrics
from service.api.middleware.request_id import RequestIds
from service.api.tally import Tally
from service.errors import InvalidInput

pytestmark = pytest.mark.anyio

PREDICT = "/v1/models/digits:predict"


async def _stream(pieces: int) -> AsyncIterator[bytes]:
    for _ in range(pieces):
        yield b" " * 1000


async def test_streamed_body_is_stopped_at_the_limit(client: httpx.AsyncClient) -> None:
    answer = await client.post(PREDICT, content=_stream(101))

    assert answer.status_code == 413
    assert answer.json()["detail"] == "expected a body of at most 100000 bytes, got more"


async def test_streamed_body_within_the_limit_is_read(client: httpx.AsyncClient) -> None:
    answer = await client.post(PREDICT, content=_stream(60))

    assert answer.status_code == 400


async def test_declared_length_beyond_the_limit_is_refused_unread(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.post(PREDICT, content=b"{}", headers={"content-length": "100001"})

    assert answer.status_code == 413
    assert answer.headers["connection"] == "close"


class _Broken(dict[object, object]):
    """Handlers that fail, with a cause that cannot be put into words."""

    def __getitem__(self, _verb: object) -> object:
        raise InvalidInput("\ud800")


class _Client:
    """Whoever waits for an answer."""

    disconnected = False

    def __init__(self) -> None:
        self.answers: list[Answer] = []

    def send(self, answer: Answer) -> None:
        self.answers.append(answer)


def _broken() -> DirectEndpoints:
    handlers: Any = _Broken()
    metrics = Metrics()
    return DirectEndpoints(
        handlers,
        ids=RequestIds(),
        metrics=metrics,
        body_limit_bytes=1000,
        bodies=BodiesInFlight(1000),
        tally=Tally(metrics),
    )


def test_error_that_cannot_be_told_is_a_500_that_closes_and_is_counted_and_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    endpoints, client = _broken(), _Client()
    call = find(PREDICT)
    assert call is not None

    with caplog.at_level(logging.ERROR):
        endpoints.answer(call, {b"x-request-id": b"abc"}, b"{}", client)

    (answer,) = client.answers
    problem = json.loads(answer.body)
    assert (answer.status, answer.last, problem["status"]) == (500, True, 500)
    assert problem["request_id"] == "abc"
    assert problem["type"] == "urn:mlpserve:problem:internal-error"
    assert "request abc failed" in caplog.text
    counted = b'mlpserve_request_seconds_count{status="500",verb="predict"} 1.0'
    assert counted in endpoints._metrics.text()


async def test_error_that_cannot_be_told_is_the_same_problem_through_asgi() -> None:
    async def nothing(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise AssertionError

    transport = httpx.ASGITransport(Direct(nothing, _broken()))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.post(PREDICT, content=b"{}")

    assert answer.status_code == 500
    assert answer.headers["connection"] == "close"
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
