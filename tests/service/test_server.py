"""HTTP on a real socket: the short way, uvicorn's way, and what they must have in common."""

import gzip
import json
import re
import time
from collections.abc import Iterator
from typing import Any

import httpx
import psutil
import pytest

from tests.service.conftest import MODELS
from tests.service.raw_http import BODY, PATH, Connection, connected, in_chunks, request_of
from tests.service_process import Service, started

GZIP_CHUNKED = ("Content-Encoding: gzip", "Transfer-Encoding: chunked")
KEEP_ALIVE_S = 5
# An error that cannot be worded, where one parser lets through what another refuses.
SURROGATE = rb'{"x": 1e400, "\ud800": 1}'


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with started("--models", MODELS, "--body-limit-bytes", "65536") as service:
        yield service


@pytest.fixture(scope="module")
def expected(service: Service) -> Any:
    return httpx.post(service.url + PATH, content=BODY).raise_for_status().json()


@pytest.fixture
def connection(service: Service) -> Iterator[Connection]:
    with connected(service) as connection:
        yield connection


@pytest.mark.parametrize(
    "request_",
    [
        request_of(),
        request_of(BODY, PATH, "Content-Type: application/json; charset=utf-8"),
        request_of(BODY, PATH, "Connection: keep-alive"),
        request_of(BODY, PATH, "Connection: close"),
        request_of(version="1.0"),
        request_of(path=PATH + "?a=b"),
        request_of(path="/v1/models/%64igits:predict"),
        request_of(path="/v1/models/digits%3Apredict"),
        request_of(path="/v1/models/digits/versions/1:predict"),
        request_of(in_chunks(BODY), PATH, "Transfer-Encoding: chunked"),
        request_of(BODY, PATH, "Content-Encoding: identity"),
        request_of(gzip.compress(BODY), PATH, "Content-Encoding: gzip"),
        request_of(in_chunks(gzip.compress(BODY)), PATH, *GZIP_CHUNKED),
        request_of(BODY, PATH, "Origin: https://app.example"),
        request_of(BODY, PATH, "Upgrade: h2c"),
        request_of(path="http://x" + PATH),
    ],
    ids=lambda request: request.split(b"\r\n\r\n")[0].decode()[5:].replace("\r\n", " "),
)
def test_every_way_of_asking_gets_the_same_answer(
    connection: Connection, request_: bytes, expected: object
) -> None:
    connection.send(request_)

    status, headers, body = connection.receive()

    assert (status, json.loads(body)) == (200, expected)
    assert headers["content-type"] == "application/json"
    assert re.fullmatch("[0-9a-f]{32}", headers["x-request-id"])
    assert "date" in headers
    assert "server" not in headers


def test_request_that_comes_in_small_pieces_is_put_together(
    connection: Connection, expected: object
) -> None:
    request = request_of()

    connection.send(*(request[i : i + 50] for i in range(0, len(request), 50)))

    assert json.loads(connection.receive()[2]) == expected


def test_pipelined_requests_of_both_ways_are_answered_in_order(connection: Connection) -> None:
    asked = [
        request_of(BODY, PATH, "X-Request-Id: a"),
        request_of(b"", "/v2/health/live", "X-Request-Id: b", method="GET"),
        request_of(BODY, PATH, "X-Request-Id: c"),
        request_of(BODY, PATH + "?x", "X-Request-Id: d"),
        request_of(b"{}", "/v1/activations/tanh:evaluate", "X-Request-Id: e"),
        request_of(BODY, PATH, "X-Request-Id: f"),
    ]

    connection.send(b"".join(asked))

    answers = [connection.receive() for _ in asked]
    assert "".join(headers["x-request-id"] for _, headers, _ in answers) == "abcdef"
    assert [status for status, _, _ in answers] == [200, 200, 200, 200, 422, 200]


def test_many_requests_on_one_connection_are_all_answered(
    connection: Connection, expected: object
) -> None:
    ids = set()
    for _ in range(200):
        connection.send(request_of())
        status, headers, body = connection.receive()
        assert (status, json.loads(body)) == (200, expected)
        ids.add(headers["x-request-id"])

    assert len(ids) == 200


def test_client_that_expects_a_go_ahead_gets_it(connection: Connection, expected: object) -> None:
    head, _, body = request_of(BODY, PATH, "Expect: 100-continue").partition(b"\r\n\r\n")
    connection.send(head + b"\r\n\r\n")
    assert connection.receive()[0] == 100

    connection.send(body)

    assert json.loads(connection.receive()[2]) == expected


@pytest.mark.parametrize(
    "request_",
    [request_of(BODY, PATH, "Connection: close"), request_of(version="1.0")],
    ids=["asked to", "HTTP/1.0"],
)
def test_connection_is_closed_where_the_client_wants_it(
    connection: Connection, request_: bytes
) -> None:
    connection.send(request_)

    connection.receive()

    assert connection.ended()


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
def test_other_method_is_told_the_right_one(connection: Connection, method: str) -> None:
    connection.send(request_of(b"", method=method))

    status, headers, body = connection.receive()

    assert (status, headers["allow"]) == (405, "POST")
    assert json.loads(body)["detail"].startswith(f"expected POST, got {method}; with curl: ")
    assert json.loads(body)["request_id"] == headers["x-request-id"]


def test_head_gets_a_head_alone_and_the_connection_goes_on(connection: Connection) -> None:
    connection.send(request_of(b"", method="HEAD"))
    assert connection.receive(bodyless=True)[0] == 405

    connection.send(request_of())

    assert connection.receive()[0] == 200


@pytest.mark.parametrize(
    ("request_", "status", "kind"),
    [
        (request_of(b"{"), 400, "malformed-body"),
        (request_of(b""), 400, "malformed-body"),
        (request_of(SURROGATE), 400, "malformed-body"),
        (request_of(SURROGATE, PATH + "?x"), 400, "malformed-body"),
        (request_of(b'{"instances": 1e400, "instances": [["\\ud800"]]}'), 400, "malformed-body"),
        (request_of(b'{"instances": [[1e400]], "top_k": 3}'), 422, "invalid-input"),
        (request_of(path="/v1/models/no:predict"), 404, "not-found"),
        (request_of(BODY, PATH, "Content-Type: text/csv"), 415, "unsupported-content-type"),
        (request_of(BODY, PATH, "Content-Encoding: br"), 415, "unsupported-content-type"),
        (request_of(b"x" * 60_000, PATH, "Content-Encoding: gzip"), 400, "malformed-body"),
        (request_of(b'{"instances": [[1]]}'), 422, "invalid-input"),
    ],
    ids=[
        "not JSON",
        "empty",
        "surrogate",
        "surrogate, ASGI",
        "surrogate in a row",
        "too large a number",
        "no model",
        "type",
        "encoding",
        "not packed",
        "row",
    ],
)
def test_refusal_is_a_problem_and_the_connection_goes_on(
    connection: Connection, request_: bytes, status: int, kind: str
) -> None:
    connection.send(request_)

    found, headers, body = connection.receive()

    problem = json.loads(body)
    assert (found, problem["status"]) == (status, status)
    assert problem["type"] == f"urn:mlpserve:problem:{kind}"
    assert problem["request_id"] == headers["x-request-id"]
    assert headers["content-type"] == "application/problem+json"
    connection.send(request_of())
    assert connection.receive()[0] == 200


@pytest.mark.parametrize(
    "request_",
    [
        request_of(b" " * 70_000),
        request_of(in_chunks(b" " * 70_000), PATH, "Transfer-Encoding: chunked"),
    ],
    ids=["declared", "chunked"],
)
def test_body_beyond_the_limit_is_413_and_the_connection_ends(
    connection: Connection, request_: bytes
) -> None:
    connection.send(request_)

    status, headers, body = connection.receive()

    assert (status, headers["connection"]) == (413, "close")
    assert json.loads(body)["detail"] == "expected a body of at most 65536 bytes, got more"


@pytest.mark.parametrize("closes", [(), ("Connection: close",)], ids=["stays", "closes"])
@pytest.mark.parametrize("chunked", [False, True], ids=["declared", "chunked"])
def test_client_that_sends_all_of_a_body_beyond_the_limit_before_it_reads_gets_its_413(
    connection: Connection, closes: tuple[str, ...], chunked: bool
) -> None:
    body = b" " * 20_000_000
    headers = (*closes, "Transfer-Encoding: chunked") if chunked else closes

    connection.send(request_of(in_chunks(body) if chunked else body, PATH, *headers))

    status, headers_, _ = connection.receive()
    assert (status, headers_["connection"]) == (413, "close")
    assert connection.ended()


def test_client_that_goes_on_sending_after_its_413_is_cut(connection: Connection) -> None:
    with pytest.raises(ConnectionError):
        connection.send(request_of(b" " * 200_000_000))


def test_what_is_not_http_is_refused_after_the_answers_before_it(
    connection: Connection, expected: object
) -> None:
    connection.send(request_of() + b"NONSENSE\r\n\r\n")

    assert json.loads(connection.receive()[2]) == expected
    assert connection.receive()[0] == 400
    assert connection.ended()


@pytest.mark.parametrize("query", [b"", b"?x"])
@pytest.mark.parametrize("length", [b"-1", b"1e3", b"99999999999999999999999", b"0" * 5000 + b"2"])
def test_content_length_that_is_none_is_refused(
    connection: Connection, length: bytes, query: bytes
) -> None:
    head = b"POST %b%b HTTP/1.1\r\nHost: x\r\nContent-Length: %b\r\n\r\n"

    connection.send(head % (PATH.encode(), query, length))

    assert connection.receive()[0] in (400, 413)


@pytest.mark.parametrize("path", ["/v1/models/digits?x:predict", "/v1/models/digits?" + "x" * 600])
def test_verb_within_a_query_is_none(connection: Connection, path: str) -> None:
    connection.send(request_of(path=path))

    assert connection.receive()[0] == 405


def test_clients_that_leave_before_their_answer_do_no_harm(
    service: Service, connection: Connection, expected: object
) -> None:
    for cut in (10, len(request_of()) - 5, len(request_of())):
        for _ in range(10):
            with connected(service) as leaving:
                leaving.send(request_of()[:cut])

    connection.send(request_of())

    assert json.loads(connection.receive()[2]) == expected


def test_idle_connection_is_closed_and_neither_a_busy_nor_a_slow_one(
    service: Service, connection: Connection
) -> None:
    with connected(service) as busy, connected(service) as slow:
        evaluation = request_of(b'{"x": [1]}', "/v1/activations/tanh:evaluate")
        slow.send(evaluation + request_of()[:-5])
        assert slow.receive()[0] == 200
        connection.send(request_of())
        connection.receive()
        began = time.monotonic()
        while time.monotonic() < began + KEEP_ALIVE_S + 1:
            busy.send(request_of())
            assert busy.receive()[0] == 200
            time.sleep(0.3)

        assert connection.ended()
        busy.send(request_of())
        assert busy.receive()[0] == 200
        slow.send(request_of()[-5:])
        assert slow.receive()[0] == 200


def test_idle_service_takes_no_processor_time(service: Service, connection: Connection) -> None:
    connection.send(request_of())
    connection.receive()
    process = psutil.Process(service.process.pid)

    def used_s() -> float:
        times = process.cpu_times()
        return times.user + times.system

    before = used_s()
    time.sleep(3)

    # uvicorn looks ten times a second whether it is to stop: a thousandth or two of a core. A
    # thread pool that spins would take a whole one.
    assert used_s() - before <= 0.15


def test_body_that_unpacks_to_more_than_the_limit_ends_its_connection(
    connection: Connection,
) -> None:
    bomb = gzip.compress(b" " * 10**7)

    connection.send(request_of(bomb, PATH, "Content-Encoding: gzip"))

    assert connection.receive()[0] == 413
    assert connection.ended()


def test_head_of_health_has_no_body(connection: Connection) -> None:
    path = "/v2/health/live"
    connection.send(request_of(b"", path, method="HEAD") + request_of(b"", path, method="GET"))

    status, headers, _ = connection.receive(bodyless=True)
    assert (status, headers["content-length"]) == (200, "13")
    assert connection.receive()[2] == b'{"live":true}'


def test_pages_of_an_origin_may_ask_directly() -> None:
    origin = {"Origin": "https://app.example"}
    arguments = ("--models", MODELS, "--cors-origin", "https://app.example", "https://b.example")
    with started(*arguments) as service, httpx.Client(base_url=service.url) as client:
        preflight = client.options(
            PATH, headers={**origin, "Access-Control-Request-Method": "POST"}
        )
        answer = client.post(PATH, content=BODY, headers=origin)
        program = client.post(PATH, content=BODY)

    for allowed in (preflight, answer):
        assert allowed.status_code == 200
        assert allowed.headers["access-control-allow-origin"] == "https://app.example"
    assert program.json() == answer.json()
    assert "access-control-allow-origin" not in program.headers
