"""Long bodies on real sockets: whoever else asks is answered meanwhile, and everybody in order."""

import json
import select
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from service.api.direct import LONG_BYTES
from tests.service.conftest import MODELS
from tests.service.raw_http import BODY, PATH, connected, in_chunks, request_of
from tests.service_process import PATIENCE_S, Service, started

MIB = 1024 * 1024
CHUNKED = "Transfer-Encoding: chunked"
LIVE = request_of(b"", "/v2/health/live", method="GET")
TWO_ROWS = json.dumps({"instances": [[1.0] * 64, [0.0] * 64]}).encode()
OBJECTS = json.dumps(
    {"inputs": {name: [2.0] * 1000 for name in (f"pixel_{i // 8}_{i % 8}" for i in range(64))}}
).encode()


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with started("--models", MODELS) as service:
        yield service


def _long(body: bytes) -> bytes:
    return body + b" " * (LONG_BYTES + 1 - len(body))


def _keys() -> bytes:
    return ("{" + ",".join(f'"k{i}":1' for i in range(1_200_000)) + "}").encode()


def _empty_rows() -> bytes:
    return b'{"instances":[' + b",".join([b"[]"] * 5_000_000) + b"]}"


def _columns() -> bytes:
    return ('{"inputs":{' + ",".join(f'"c{i}":[1]' for i in range(1_100_000)) + "}}").encode()


def _sound_rows() -> bytes:
    return json.dumps({"instances": [[0.123456789012345] * 64] * 10_000}).encode()


def _sound_columns() -> bytes:
    """Half of 16 MiB of what only the general decoder reads."""
    names = [f"pixel_{i // 8}_{i % 8}" for i in range(64)]
    return json.dumps({"inputs": dict.fromkeys(names, [0.123456789] * 10_000)}).encode()


@pytest.mark.parametrize(
    ("made", "status", "at_least"),
    [
        (_keys, 422, 4),
        (_empty_rows, 413, 4),
        (_columns, 422, 4),
        (_sound_columns, 200, 4),
        # Done in a moment, which on a busy machine may be this process's pause.
        (_sound_rows, 200, 0),
    ],
    ids=lambda value: value.__name__[1:] if callable(value) else str(value),
)
def test_others_are_answered_while_long_bodies_are_in_progress(
    service: Service, made: Callable[[], bytes], status: int, at_least: int
) -> None:
    request = request_of(made())
    with ExitStack() as stack:
        asking = [stack.enter_context(connected(service)) for _ in range(6)]
        other = stack.enter_context(connected(service))
        for connection in asking:
            connection.send(request[:-1])
        for connection in asking:
            connection.send(request[-1:])

        answered_meanwhile = 0
        while len(select.select([connection.raw for connection in asking], [], [], 0)[0]) < 6:
            other.send(LIVE + request_of())
            assert (other.receive()[0], other.receive()[0]) == (200, 200)
            answered_meanwhile += 1

        assert [connection.receive()[0] for connection in asking] == [status] * 6
    assert answered_meanwhile >= at_least


@pytest.mark.parametrize("verb", [":predict", ":activations"])
def test_long_and_short_way_answer_the_same(service: Service, verb: str) -> None:
    url = service.url + PATH.replace(":predict", verb)
    for body in (TWO_ROWS, OBJECTS, b'{"instances": [[1]]}', b"{]", b"[]"):
        # A body is the longer for blanks alone.
        assert len(body) <= LONG_BYTES
        short, long = (httpx.post(url, content=sent) for sent in (body, _long(body)))

        assert long.status_code == short.status_code
        answers = [answer.json() for answer in (short, long)]
        for answer in answers:
            answer.pop("request_id", None)
        assert answers[0] == answers[1]
        if short.status_code == 200:
            assert short.content == long.content


def test_long_body_of_points_is_answered(service: Service) -> None:
    url = service.url + "/v1/activations/tanh:evaluate"
    short, long = (httpx.post(url, content=b) for b in (b'{"x":[1]}', _long(b'{"x":[1]}')))

    assert (long.status_code, long.content) == (200, short.content)


def test_requests_after_a_long_one_on_its_connection_are_answered_after_it(
    service: Service,
) -> None:
    def named(body: bytes, name: str, *headers: str) -> bytes:
        sent = in_chunks(body) if headers else body
        return request_of(sent, PATH, f"X-Request-Id: {name}", *headers)

    long = _long(TWO_ROWS)
    with connected(service) as connection:
        connection.send(
            named(long, "1") + named(BODY, "2") + named(long, "3", CHUNKED) + named(BODY, "4")
        )

        answers = [connection.receive() for _ in range(4)]

    assert [headers["x-request-id"] for _, headers, _ in answers] == ["1", "2", "3", "4"]
    assert [len(json.loads(body)["predictions"]) for _, _, body in answers] == [2, 1, 2, 1]


def _counted(service: Service, verb: str = "predict") -> float:
    """Requests that were answered in any way."""
    return sum(
        float(line.rpartition(" ")[2])
        for line in httpx.get(service.url + "/metrics").text.splitlines()
        if line.startswith("mlpserve_request_seconds_count") and f'verb="{verb}"' in line
    )


@pytest.mark.parametrize("headers", [(), (CHUNKED,)], ids=["declared", "chunked"])
def test_body_of_a_client_that_has_left_is_not_decoded(
    service: Service, headers: tuple[str, ...]
) -> None:
    body = _keys()
    request = request_of(in_chunks(body) if headers else body, PATH, *headers)
    before = _counted(service)
    with ExitStack() as stack:
        first = stack.enter_context(connected(service))
        first.send(request_of(body))
        for _ in range(10):
            with connected(service) as leaving:
                leaving.send(request)
                # A client that only closes may still read, for all that is known here.
                leaving.raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        assert first.receive()[0] == 422
        last = stack.enter_context(connected(service))
        last.send(request_of(body))
        assert last.receive()[0] == 422

    # Two stayed; one more may have been in progress, or read, as its client left.
    assert _counted(service) - before <= 5


def test_stop_waits_for_a_long_body_and_its_answer() -> None:
    with started("--models", MODELS) as service, connected(service) as connection:
        connection.send(request_of(_sound_columns()))
        service.process.terminate()

        status, headers, body = connection.receive()

        assert (status, headers["connection"]) == (200, "close")
        assert len(json.loads(body)["predictions"]) == 10_000
        assert service.process.wait(PATIENCE_S) == 0


def test_rows_of_a_long_body_are_counted(service: Service) -> None:
    far: Any = [[1000.0] * 64] * 9

    httpx.post(service.url + PATH, content=_long(json.dumps({"instances": far}).encode()))

    text = httpx.get(service.url + "/metrics").text
    assert 'kind="out_of_range",model="digits"' in text
