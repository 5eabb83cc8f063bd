"""Answers of one turn, and a connection that fails among them."""

import asyncio
import logging
import socket
from contextlib import closing

import pytest

from service.outbox import Outbox

pytestmark = pytest.mark.anyio


async def _connected() -> tuple[asyncio.Transport, socket.socket]:
    ours, theirs = socket.socketpair()
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, sock=ours)
    theirs.setblocking(False)
    return transport, theirs


class _Failing(asyncio.Transport):
    """A transport that cannot be written to."""

    aborted = False

    def is_closing(self) -> bool:
        return False

    def write(self, _answer: object) -> None:
        raise OSError("no buffer space available")

    def abort(self) -> None:
        self.aborted = True


async def test_connection_that_fails_takes_no_other_answer_with_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    outbox = Outbox()
    failing = _Failing()
    transport, client = await _connected()
    with closing(client), caplog.at_level(logging.ERROR):
        outbox.put(failing, b"lost", last=False)
        outbox.put(transport, b"answer", last=True)

        outbox.send()

        received = await asyncio.get_running_loop().sock_recv(client, 100)
    assert received == b"answer"
    assert failing.aborted
    assert "no buffer space available" in caplog.text
    transport.close()
