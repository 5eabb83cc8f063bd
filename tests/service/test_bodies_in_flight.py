"""Bodies that take their time, on real sockets: what they take of everybody's memory."""

import json
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import psutil
import pytest

from tests.service.conftest import MODELS
from tests.service.raw_http import BODY, PATH, connected, request_of
from tests.service_process import PATIENCE_S, Service, started

MIB = 1024 * 1024
BODY_LIMIT, LIMIT = 2 * MIB, 8 * MIB
LARGE = BODY + b" " * (BODY_LIMIT - len(BODY))
CHUNKED = "Transfer-Encoding: chunked"


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    arguments = ("--body-limit-bytes", str(BODY_LIMIT), "--bodies-limit-bytes", str(LIMIT))
    with started("--models", MODELS, *arguments) as service:
        yield service


def _all_but_one_byte(*, chunked: bool) -> bytes:
    if chunked:
        head = request_of(b"", PATH, CHUNKED)
        return head + b"%x\r\n%b\r\n1\r\n" % (len(LARGE) - 1, LARGE[:-1])
    return request_of(LARGE)[:-1]


def _wait_until_nothing_is_held(service: Service) -> None:
    """Ask until a body of the whole limit, which fits only alone, is taken."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with ExitStack() as stack:
            # Each holds all of its body; together they take the limit to the byte.
            holding = [stack.enter_context(connected(service)) for _ in range(LIMIT // BODY_LIMIT)]
            for connection in holding:
                connection.send(request_of(LARGE)[:-1])
            for connection in holding:
                connection.raw.sendall(LARGE[-1:])
            if {connection.receive()[0] for connection in holding} == {200}:
                return
        time.sleep(0.05)
    raise TimeoutError("bytes of bodies are still held")


@pytest.mark.parametrize("chunked", [False, True], ids=["declared", "chunked"])
@pytest.mark.parametrize("reset", [False, True], ids=["closes", "resets"])
def test_clients_that_leave_in_the_middle_of_a_body_hold_nothing(
    service: Service, chunked: bool, reset: bool
) -> None:
    for _ in range(50):
        with connected(service) as leaving:
            leaving.send(_all_but_one_byte(chunked=chunked)[: MIB // 4], b" " * (MIB // 4))
            if reset:
                leaving.raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    _wait_until_nothing_is_held(service)


@pytest.mark.parametrize("chunked", [False, True], ids=["declared", "chunked"])
def test_bodies_held_back_by_one_byte_take_bounded_memory_and_the_rest_is_told_to_come_later(
    service: Service, chunked: bool
) -> None:
    process = psutil.Process(service.process.pid)
    before = process.memory_info().rss
    with ExitStack() as stack:
        clients = [stack.enter_context(connected(service)) for _ in range(50)]
        for client in clients:
            try:
                client.send(_all_but_one_byte(chunked=chunked))
            except ConnectionError:
                continue
            assert httpx.get(service.url + "/v2/health/live").status_code == 200

        # A piece that was read before its connection was refused, and buffers of their own.
        assert process.memory_info().rss < before + 3 * LIMIT
        assert httpx.post(service.url + PATH, content=BODY).status_code == 200
        refused = clients[-1]
        status, headers, body = refused.receive()
        assert (status, headers["retry-after"], headers["connection"]) == (503, "1", "close")
        assert json.loads(body)["type"] == "urn:mlpserve:problem:overloaded"
        assert str(LIMIT) in json.loads(body)["detail"]

    _wait_until_nothing_is_held(service)


def test_short_bodies_in_pieces_are_served_while_long_ones_hold_all(service: Service) -> None:
    with ExitStack() as stack:
        for _ in range(LIMIT // BODY_LIMIT):
            stack.enter_context(connected(service)).send(request_of(LARGE)[:-1])
        short = stack.enter_context(connected(service))

        short.send(
            *(request_of()[start : start + 100] for start in range(0, len(request_of()), 100))
        )

        assert short.receive()[0] == 200
