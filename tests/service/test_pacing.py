"""Clients that send on and do not read, on real sockets."""

import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import psutil
import pytest

from tests.service.conftest import MODELS
from tests.service.raw_http import BODY, PATH, Connection, connected, in_chunks, request_of
from tests.service_process import PATIENCE_S, Service, started

MIB = 1024 * 1024
CHUNKED = "Transfer-Encoding: chunked"
POINTS = b'{"x":[%b]}' % b",".join([b"1"] * 1000)
EVALUATE = "/v1/activations/mish:evaluate"
CURVE = "/v1/activations/mish/curve?start=-50&stop=50&step=0.01"


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with started("--models", MODELS) as service:
        yield service


@pytest.fixture(scope="module")
def resident(service: Service) -> int:
    """Bytes that the service holds when it has answered some requests, and nobody waits."""
    with connected(service) as connection:
        for _ in range(50):
            connection.send(request_of())
            assert connection.receive()[0] == 200
    return int(psutil.Process(service.process.pid).memory_info().rss)


def _send_until_it_is_read_no_more(connection: Connection, request: bytes) -> None:
    requests = memoryview(request * (100 * MIB // len(request)))
    sent = 0
    while select.select([], [connection.raw], [], 0.5)[1]:
        sent += connection.raw.send(requests[sent : sent + MIB], socket.MSG_DONTWAIT)
        assert sent < len(requests)


@pytest.mark.parametrize(
    "request_",
    [
        request_of(),
        request_of(POINTS, EVALUATE),
        request_of(path="/v1/models/digits:activations"),
        request_of(in_chunks(BODY), PATH, CHUNKED),
        b"GET /v2/health/live HTTP/1.1\r\n\r\n",
        b"GET %b HTTP/1.1\r\n\r\n" % CURVE.encode(),
    ],
    ids=["direct", "points", "thread", "chunked", "short", "curve"],
)
def test_clients_that_do_not_read_their_answers_take_bounded_memory(
    service: Service, resident: int, request_: bytes
) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(connected(service)) for _ in range(2)]
        for client in clients:
            _send_until_it_is_read_no_more(client, request_)

            assert httpx.get(service.url + "/v2/health/live").status_code == 200

        # Of all kinds of requests together: what one of them left is not the next one's beginning.
        held = psutil.Process(service.process.pid).memory_info().rss
        assert held < resident + 3 * 8 * MIB


@pytest.mark.parametrize("ends", [False, True], ids=["stays", "stops writing"])
def test_client_that_reads_late_gets_every_answer_in_order(service: Service, ends: bool) -> None:
    kinds = [
        lambda name: request_of(BODY, PATH, name),
        lambda name: request_of(POINTS, EVALUATE, name),
        lambda name: request_of(in_chunks(BODY), PATH, name, CHUNKED),
        lambda name: request_of(b"", "/v2/health/live", name, method="GET"),
        lambda name: request_of(BODY + b" " * 5000, "/v1/models/digits:activations", name),
    ]
    names = [str(number) for number in range(600)]
    requests = [kinds[int(name) % len(kinds)](f"X-Request-Id: {name}") for name in names]
    with connected(service) as connection:

        def send() -> None:
            connection.raw.sendall(b"".join(requests))
            if ends:
                connection.raw.shutdown(socket.SHUT_WR)

        sending = threading.Thread(target=send)
        sending.start()
        time.sleep(0.3)

        answers = [connection.receive() for _ in names]

        sending.join()
        assert [headers["x-request-id"] for _, headers, _ in answers] == names
        assert {status for status, _, _ in answers} == {200}
        if ends:
            assert connection.ended()


def test_client_that_leaves_unread_answers_behind_leaves_nothing(service: Service) -> None:
    process = psutil.Process(service.process.pid)
    before = process.num_fds()
    for _ in range(5):
        with connected(service) as leaving:
            _send_until_it_is_read_no_more(leaving, request_of(POINTS, EVALUATE))

    deadline = time.monotonic() + PATIENCE_S
    while process.num_fds() > before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert process.num_fds() <= before
