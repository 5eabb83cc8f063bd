"""What nobody foresaw within the protocol: told and closed, never in silence."""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from benchmarks.fuzzing.answers import Answer
from benchmarks.fuzzing.connection import Connection
from benchmarks.fuzzing.in_thread import ServiceInThread
from benchmarks.fuzzing.requests import Request, make_request
from tests.service.conftest import MODELS


@pytest.fixture(scope="module")
def service() -> Iterator[ServiceInThread]:
    with closing(ServiceInThread(MODELS)) as service:
        yield service


@pytest.fixture
def connection(service: ServiceInThread) -> Iterator[Connection]:
    connection = Connection(service.port)
    yield connection
    connection.leave(reset=True)
    service.failures.lines.clear()


def _request(kind: str) -> Request:
    return make_request(kind, "asked")


def _fail(*_args: Any, **_kwargs: Any) -> Any:
    raise RuntimeError("nobody foresaw this")


@pytest.mark.parametrize(
    ("failing", "kind"),
    [
        ("service.server.find", "direct"),
        ("service.framing.httptools.parse_url", "framework"),
        ("uvicorn.protocols.http.httptools_impl.HttpToolsProtocol.on_body", "chunked"),
        ("uvicorn.protocols.http.httptools_impl.HttpToolsProtocol.on_message_complete", "query"),
        ("service.api.direct.DirectEndpoints.answer", "direct"),
        ("service.api.direct.DirectEndpoints.request_id", "direct"),
        ("service.inference.scheduler.Scheduler.submit", "direct"),
        ("service.inference.scheduler.Scheduler.submit", "chunked"),
        ("service.api.predictions.encode_predictions", "direct"),
        ("service.api.predictions.encode_hidden", "thread"),
        ("service.api.predictions.encode_predictions", "query"),
        ("service.outbox.Outbox.written", "direct"),
        ("service.outbox.Outbox.written", "thread"),
        ("service.api.problems.explained", "not JSON"),
    ],
)
def test_exception_ends_in_a_500_that_closes_and_is_logged(
    service: ServiceInThread,
    connection: Connection,
    monkeypatch: pytest.MonkeyPatch,
    failing: str,
    kind: str,
) -> None:
    connection.send([_request("models")])
    connection.read()
    monkeypatch.setattr(failing, _fail)
    connection.send([_request(kind)])

    answer = connection.next()

    assert answer is not None
    problem = json.loads(answer.body)
    assert (answer.status, answer.closes, problem["status"]) == (500, True, 500)
    assert problem["type"] == "urn:mlpserve:problem:internal-error"
    assert problem["request_id"] == answer.request_id
    assert connection.next() is None
    assert "nobody foresaw this" in "".join(service.failures.lines)


def test_answers_before_an_exception_are_sent(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("uvicorn.protocols.http.httptools_impl.HttpToolsProtocol.on_body", _fail)
    connection.send([_request("framework"), _request("models"), _request("chunked")])

    answers = [connection.next() for _ in range(4)]

    assert [_status(answer) for answer in answers] == [200, 200, 500, None]


def _status(answer: Answer | None) -> int | None:
    return None if answer is None else answer.status
