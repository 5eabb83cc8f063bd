"""Where requests begin and end on a connection, on a real socket."""

import json
import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import psutil
import pytest

from tests.service.conftest import MODELS
from tests.service.raw_http import BODY, PATH, Connection, connected, in_chunks, request_of
from tests.service_process import Service, started

UPGRADE = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk")
CHUNKED = "Transfer-Encoding: chunked"
LIVE = request_of(b"", "/v2/health/live", "X-Request-Id: live", method="GET")
LIMIT = 64 * 1024


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with started("--models", MODELS) as service:
        yield service


@pytest.fixture(scope="module")
def expected(service: Service) -> Any:
    return httpx.post(service.url + PATH, content=BODY).raise_for_status().json()


@pytest.fixture
def connection(service: Service) -> Iterator[Connection]:
    with connected(service) as connection:
        yield connection


def _pieces(request: bytes, *, segments: int) -> list[bytes]:
    head, end, body = request.partition(b"\r\n\r\n")
    half = len(body) // 2
    return {
        1: [request],
        2: [head + end, body],
        3: [head + end + body[:half], body[half:]],
    }[segments]


def _refused(connection: Connection, status: int, kind: str) -> None:
    found, headers, body = connection.receive()
    problem = json.loads(body)
    assert (found, problem["status"], problem["type"].rpartition(":")[2]) == (status, status, kind)
    assert problem["request_id"] == headers["x-request-id"]
    assert headers["connection"] == "close"
    assert connection.ended()


@pytest.mark.parametrize("segments", [1, 2, 3])
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_upgrade_with_a_body_is_answered_as_if_nothing_else_was_asked_for(
    connection: Connection, expected: object, segments: int, chunked: bool
) -> None:
    request = (
        request_of(in_chunks(BODY), PATH, *UPGRADE, CHUNKED)
        if chunked
        else request_of(BODY, PATH, *UPGRADE)
    )

    connection.send(*_pieces(request, segments=segments))
    connection.send(LIVE, request + LIVE)

    answers = [connection.receive() for _ in range(4)]
    assert [status for status, _, _ in answers] == [200] * 4
    assert [json.loads(answers[i][2]) for i in (0, 2)] == [expected] * 2
    assert [answers[i][1]["x-request-id"] for i in (1, 3)] == ["live"] * 2


def test_body_of_an_upgrade_is_no_request(connection: Connection) -> None:
    smuggled = request_of(BODY, PATH, "X-Request-Id: smuggled")
    head, end, body = request_of(smuggled, PATH, *UPGRADE).partition(b"\r\n\r\n")

    connection.send(head + end, body, LIVE)

    assert connection.receive()[0] == 400
    assert connection.receive()[1]["x-request-id"] == "live"


def test_upgrade_without_a_body_loses_nothing_that_follows(
    connection: Connection, expected: object
) -> None:
    upgrade = request_of(b"", "/v2/health/live", *UPGRADE, "X-Request-Id: up", method="GET")

    connection.send((upgrade + LIVE) * 3 + request_of())

    ids = [connection.receive()[1]["x-request-id"] for _ in range(6)]
    assert ids == ["up", "live"] * 3
    assert json.loads(connection.receive()[2]) == expected


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (request_of(in_chunks(BODY), PATH, "Transfer-Encoding: gzip, chunked"), 501),
        (request_of(in_chunks(BODY), PATH, "Transfer-Encoding: gzip", CHUNKED), 501),
        (request_of(BODY, PATH, "Transfer-Encoding: gzip"), 501),
        (request_of(in_chunks(BODY), PATH, CHUNKED, version="1.0"), 400),
        (request_of(b"", "x:443", method="CONNECT"), 501),
        (request_of(in_chunks(BODY), PATH, CHUNKED, "Content-Length: 9"), 400),
        (b"NONSENSE\r\n\r\n", 400),
    ],
    ids=["gzip, chunked", "two headers", "gzip", "HTTP/1.0", "CONNECT", "both", "nonsense"],
)  # fmt: skip
def test_framing_that_others_read_otherwise_is_refused_after_the_answers_before_it(
    connection: Connection, request_: bytes, status: int
) -> None:
    connection.send(LIVE + request_of() + LIVE + request_ + LIVE)

    assert [connection.receive()[0] for _ in range(3)] == [200] * 3
    _refused(connection, status, {400: "malformed-request", 501: "unsupported-request"}[status])


def test_chunks_that_are_none_end_the_request_in_a_refusal(connection: Connection) -> None:
    head, end, _ = request_of(b"", PATH, CHUNKED).partition(b"\r\n\r\n")

    connection.send(LIVE + head + end, b"2\r\n{}\r\nnonsense\r\n")

    assert connection.receive()[1]["x-request-id"] == "live"
    _refused(connection, 400, "malformed-request")


def test_trailers_are_no_headers(connection: Connection, expected: object) -> None:
    trailers = b"X-Request-Id: forged\r\nContent-Type: text/csv\r\nContent-Encoding: gzip\r\n\r\n"
    request = request_of(in_chunks(BODY)[:-2] + trailers, PATH, CHUNKED)

    connection.send(request, *_pieces(request, segments=2))

    for _ in range(2):
        status, headers, body = connection.receive()
        assert (status, json.loads(body)) == (200, expected)
        assert headers["x-request-id"] != "forged"


def test_of_two_ids_every_way_takes_the_same(connection: Connection) -> None:
    ids = ("X-Request-Id: first", "X-Request-Id: second")

    connection.send(
        request_of(BODY, PATH, *ids)
        + request_of(BODY, PATH + "?x", *ids)
        + request_of(b"", "/v2/health/live", *ids, method="GET")
    )

    assert [connection.receive()[1]["x-request-id"] for _ in range(3)] == ["second"] * 3


_OPEN = b"POST %b HTTP/1.1\r\nHost: x\r\n" % PATH.encode()
_CHUNKS = _OPEN + CHUNKED.encode() + b"\r\n\r\n2\r\n{}\r\n"


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (_OPEN, b"a: b\r\n" * 10_000),
        (b"GET /", b"x" * 60_000),
        (_OPEN + b"a: ", b"b" * 60_000),
        (_CHUNKS + b"0\r\n", b"a: b\r\n" * 10_000),
        (_CHUNKS + b"2;", b"x" * 60_000),
    ],
    ids=["headers", "target", "one header", "trailers", "chunk extension"],
)
def test_head_without_end_is_cut_at_the_limit(
    service: Service, connection: Connection, start: bytes, piece: bytes
) -> None:
    process = psutil.Process(service.process.pid)
    before = process.memory_info().rss
    connection.send(start)

    sent = 0
    with suppress(ConnectionError):
        while sent < 256 * 1024 * 1024:
            connection.raw.sendall(piece)
            sent += len(piece)

    assert sent < 256 * 1024 * 1024
    assert process.memory_info().rss < before + 32 * 1024 * 1024


def test_head_beyond_the_limit_is_told_so(connection: Connection) -> None:
    connection.send(request_of() + _OPEN, b"a: b\r\n" * (LIMIT // 6 + 1))

    assert connection.receive()[0] == 200
    _refused(connection, 431, "head-too-large")


@pytest.mark.parametrize(("size", "status"), [(LIMIT - 500, 200), (LIMIT + 1, 431)])
def test_head_is_counted_apart_from_the_body_that_comes_with_it(
    connection: Connection, size: int, status: int
) -> None:
    body = BODY + b" " * LIMIT

    connection.send(request_of(body, PATH, "A: " + "b" * size))

    assert connection.receive()[0] == status


def test_refusals_are_counted_by_their_problem(service: Service) -> None:
    before = _refusals(service)
    for request in (
        b"NONSENSE\r\n\r\n",
        request_of() + b"NONSENSE\r\n\r\n",
        request_of(b"", "x:443", method="CONNECT"),
        _OPEN + b"a: b\r\n" * (LIMIT // 6 + 1),
    ):
        with connected(service) as connection:
            connection.send(request)
            connection.raw.shutdown(socket.SHUT_WR)
            while connection.raw.recv(65536):
                pass

    after = _refusals(service)
    grown = {problem: after[problem] - before.get(problem, 0) for problem in after}
    assert {problem: count for problem, count in grown.items() if count} == {
        "malformed-request": 2,
        "unsupported-request": 1,
        "head-too-large": 1,
    }


def _refusals(service: Service) -> dict[str, float]:
    found = re.findall(
        r'^mlpserve_refused_requests_total\{problem="(.+)"\} (.+)$',
        httpx.get(service.url + "/metrics").text,
        re.MULTILINE,
    )
    return {problem: float(count) for problem, count in found}


def test_client_that_has_only_stopped_writing_gets_all_its_answers(
    connection: Connection, expected: object
) -> None:
    connection.send((request_of() + LIVE + request_of(BODY, PATH + "?x")) * 5)
    connection.raw.shutdown(socket.SHUT_WR)

    answers = [connection.receive() for _ in range(15)]
    assert [json.loads(body) for _, _, body in answers[::3]] == [expected] * 5
    assert {status for status, _, _ in answers} == {200}
    assert connection.ended()


@pytest.mark.parametrize("path", [PATH, PATH + "?x"])
def test_body_that_ends_with_the_connection_is_refused(connection: Connection, path: str) -> None:
    connection.send(LIVE + request_of(path=path)[:-5])
    connection.raw.shutdown(socket.SHUT_WR)

    assert connection.receive()[0] == 200
    _refused(connection, 400, "malformed-request")
