"""HTTP on a real socket: the short way, uvicorn's way, and what they must have in common."""

import gzip
import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import httpx
import psutil
import pytest

from tests.service.conftest import MODELS
from tests.service_process import Service, started

PATH = "/v1/models/digits:predict"
BODY = json.dumps({"instances": [[1.0] * 64]}).encode()
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


@dataclass
class Connection:
    """A connection that says exactly what it is told to."""

    raw: socket.socket
    _rest: bytes = field(default=b"", init=False)

    def send(self, *pieces: bytes) -> None:
        for number, piece in enumerate(pieces):
            if number:
                time.sleep(0.02)
            self.raw.sendall(piece)

    def receive(self, *, bodyless: bool = False) -> tuple[int, dict[str, str], bytes]:
        """Status, headers by lower-case name, and body of the next answer."""
        while b"\r\n\r\n" not in self._rest:
            self._more()
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        length = 0 if bodyless else int(headers.get("content-length", 0))
        while len(self._rest) < length:
            self._more()
        body, self._rest = self._rest[:length], self._rest[length:]
        return int(first.split()[1]), headers, body

    def ended(self) -> bool:
        """Whether the other side has closed, with nothing more to say."""
        return not self._rest and self.raw.recv(1) == b""

    def _more(self) -> None:
        piece = self.raw.recv(65536)
        assert piece, f"the connection ended after {self._rest!r}"
        self._rest += piece


@pytest.fixture
def connection(service: Service) -> Iterator[Connection]:
    host, _, port = service.url.removeprefix("http://").partition(":")
    with closing(socket.create_connection((host, int(port)), timeout=10)) as raw:
        yield Connection(raw)


def _request(
    body: bytes = BODY,
    path: str = PATH,
    *headers: str,
    method: str = "POST",
    version: str = "1.1",
) -> bytes:
    lines = [f"{method} {path} HTTP/{version}", "Host: x", *headers]
    if not any(header.lower().startswith("transfer-encoding") for header in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def _chunked(body: bytes) -> bytes:
    half = len(body) // 2
    parts = (body[:half], body[half:], b"")
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)


@pytest.mark.parametrize(
    "request_",
    [
        _request(),
        _request(BODY, PATH, "Content-Type: application/json; charset=utf-8"),
        _request(BODY, PATH, "Connection: keep-alive"),
        _request(BODY, PATH, "Connection: close"),
        _request(version="1.0"),
        _request(path=PATH + "?a=b"),
        _request(path="/v1/models/%64igits:predict"),
        _request(path="/v1/models/digits%3Apredict"),
        _request(path="/v1/models/digits/versions/1:predict"),
        _request(_chunked(BODY), PATH, "Transfer-Encoding: chunked"),
        _request(BODY, PATH, "Content-Encoding: identity"),
        _request(gzip.compress(BODY), PATH, "Content-Encoding: gzip"),
        _request(_chunked(gzip.compress(BODY)), PATH, *GZIP_CHUNKED),
        _request(BODY, PATH, "Origin: https://app.example"),
        _request(BODY, PATH, "Upgrade: h2c"),
        _request(path="http://x" + PATH),
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
    request = _request()

    connection.send(*(request[i : i + 50] for i in range(0, len(request), 50)))

    assert json.loads(connection.receive()[2]) == expected


def test_pipelined_requests_of_both_ways_are_answered_in_order(connection: Connection) -> None:
    asked = [
        _request(BODY, PATH, "X-Request-Id: a"),
        _request(b"", "/v2/health/live", "X-Request-Id: b", method="GET"),
        _request(BODY, PATH, "X-Request-Id: c"),
        _request(BODY, PATH + "?x", "X-Request-Id: d"),
        _request(b"{}", "/v1/activations/tanh:evaluate", "X-Request-Id: e"),
        _request(BODY, PATH, "X-Request-Id: f"),
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
        connection.send(_request())
        status, headers, body = connection.receive()
        assert (status, json.loads(body)) == (200, expected)
        ids.add(headers["x-request-id"])

    assert len(ids) == 200


def test_client_that_expects_a_go_ahead_gets_it(connection: Connection, expected: object) -> None:
    head, _, body = _request(BODY, PATH, "Expect: 100-continue").partition(b"\r\n\r\n")
    connection.send(head + b"\r\n\r\n")
    assert connection.receive()[0] == 100

    connection.send(body)

    assert json.loads(connection.receive()[2]) == expected


@pytest.mark.parametrize(
    "request_",
    [_request(BODY, PATH, "Connection: close"), _request(version="1.0")],
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
    connection.send(_request(b"", method=method))

    status, headers, body = connection.receive()

    assert (status, headers["allow"]) == (405, "POST")
    assert json.loads(body)["detail"].startswith(f"expected POST, got {method}; with curl: ")
    assert json.loads(body)["request_id"] == headers["x-request-id"]


def test_head_gets_a_head_alone_and_the_connection_goes_on(connection: Connection) -> None:
    connection.send(_request(b"", method="HEAD"))
    assert connection.receive(bodyless=True)[0] == 405

    connection.send(_request())

    assert connection.receive()[0] == 200


@pytest.mark.parametrize(
    ("request_", "status", "kind"),
    [
        (_request(b"{"), 400, "malformed-body"),
        (_request(b""), 400, "malformed-body"),
        (_request(SURROGATE), 400, "malformed-body"),
        (_request(SURROGATE, PATH + "?x"), 400, "malformed-body"),
        (_request(b'{"instances": 1e400, "instances": [["\\ud800"]]}'), 400, "malformed-body"),
        (_request(b'{"instances": [[1e400]], "top_k": 3}'), 422, "invalid-input"),
        (_request(path="/v1/models/no:predict"), 404, "not-found"),
        (_request(BODY, PATH, "Content-Type: text/csv"), 415, "unsupported-content-type"),
        (_request(BODY, PATH, "Content-Encoding: br"), 415, "unsupported-content-type"),
        (_request(b"x" * 60_000, PATH, "Content-Encoding: gzip"), 400, "malformed-body"),
        (_request(b'{"instances": [[1]]}'), 422, "invalid-input"),
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
    connection.send(_request())
    assert connection.receive()[0] == 200


@pytest.mark.parametrize(
    "request_",
    [
        _request(b" " * 70_000),
        _request(_chunked(b" " * 70_000), PATH, "Transfer-Encoding: chunked"),
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

    connection.send(_request(_chunked(body) if chunked else body, PATH, *headers))

    status, headers_, _ = connection.receive()
    assert (status, headers_["connection"]) == (413, "close")
    assert connection.ended()


def test_client_that_goes_on_sending_after_its_413_is_cut(connection: Connection) -> None:
    with pytest.raises(ConnectionError):
        connection.send(_request(b" " * 200_000_000))


def test_what_is_not_http_is_refused_after_the_answers_before_it(
    connection: Connection, expected: object
) -> None:
    connection.send(_request() + b"NONSENSE\r\n\r\n")

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
    connection.send(_request(path=path))

    assert connection.receive()[0] == 405


def test_clients_that_leave_before_their_answer_do_no_harm(
    service: Service, connection: Connection, expected: object
) -> None:
    host, _, port = service.url.removeprefix("http://").partition(":")
    for cut in (10, len(_request()) - 5, len(_request())):
        for _ in range(10):
            with closing(socket.create_connection((host, int(port)), timeout=10)) as leaving:
                leaving.sendall(_request()[:cut])

    connection.send(_request())

    assert json.loads(connection.receive()[2]) == expected


def test_idle_connection_is_closed_and_neither_a_busy_nor_a_slow_one(
    service: Service, connection: Connection
) -> None:
    host, _, port = service.url.removeprefix("http://").partition(":")
    with (
        closing(socket.create_connection((host, int(port)), timeout=10)) as raw,
        closing(socket.create_connection((host, int(port)), timeout=10)) as other,
    ):
        slow = Connection(other)
        busy = Connection(raw)
        evaluation = _request(b'{"x": [1]}', "/v1/activations/tanh:evaluate")
        slow.send(evaluation + _request()[:-5])
        assert slow.receive()[0] == 200
        connection.send(_request())
        connection.receive()
        began = time.monotonic()
        while time.monotonic() < began + KEEP_ALIVE_S + 1:
            busy.send(_request())
            assert busy.receive()[0] == 200
            time.sleep(0.3)

        assert connection.ended()
        busy.send(_request())
        assert busy.receive()[0] == 200
        slow.send(_request()[-5:])
        assert slow.receive()[0] == 200


def test_idle_service_takes_no_processor_time(service: Service, connection: Connection) -> None:
    connection.send(_request())
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

    connection.send(_request(bomb, PATH, "Content-Encoding: gzip"))

    assert connection.receive()[0] == 413
    assert connection.ended()


def test_head_of_health_has_no_body(connection: Connection) -> None:
    path = "/v2/health/live"
    connection.send(_request(b"", path, method="HEAD") + _request(b"", path, method="GET"))

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
