"""Requests of a connection are taken from it no faster than their answers are read.

A client may send its next requests before it has read an answer. uvicorn reads on at each answer,
and makes a few kilobytes of each request of twenty bytes.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

# What may be many requests is taken in pieces of so many bytes.
PIECE_BYTES = 4096
# Lines in what is certainly a few.
_FEW_LINES = 16
# With so much unread nothing more is read; until then a client that leaves is noticed.
_MOST_UNREAD = 64 * 1024
_NOTHING = memoryview(b"")


class PacedProtocol(HttpToolsProtocol):
    """One connection, which waits where answers do."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Bytes that have come and are not for the parser yet.
        self._unread = _NOTHING
        self._reads_on = self._ends_later = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to read."""
        super().connection_made(transport)
        self.flow = _Flow(transport, self._may_read)

    def connection_lost(self, exc: Exception | None) -> None:
        """The end of the connection."""
        self._unread = _NOTHING
        super().connection_lost(exc)

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """The client writes no more; true while it is owed an answer."""
        return None

    def resume_writing(self) -> None:
        """The client has read."""
        super().resume_writing()
        self._read_on_soon()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        super()._start_asgi_task(cycle, app)
        self._read_on_soon()

    def _set_aside(self, data: bytes) -> bool:
        """Take what may be many requests in pieces, as their answers allow."""
        if self._unread:
            self._unread = memoryview(bytes(self._unread) + data)
            if not self._may_read():
                self.flow.pause_reading()
            return True
        if not _has_many_lines(data):
            return False
        self._unread = memoryview(data)
        self._read_on()
        return True

    def _send_answers(self) -> None:
        """Write the answers that are ready, so that it shows whether the client reads."""

    def _read_on(self) -> None:
        self._reads_on = False
        rest, self._unread = self._unread, _NOTHING
        while rest and not (self.pipeline or self.flow.write_paused):
            if self.transport.is_closing():
                return
            self.data_received(bytes(rest[:PIECE_BYTES]))
            rest = rest[PIECE_BYTES:]
            self._send_answers()
        self._unread = rest
        if not self._may_read():
            self.flow.pause_reading()
        elif not self.pipeline:
            self.flow.resume_reading()
        if not rest and self._ends_later:
            self._ends_later = False
            if not self.eof_received():
                self.transport.close()

    def _read_on_soon(self) -> None:
        # The parser may be about to tell of a request of the piece before.
        if self._unread and not (self.pipeline or self._reads_on):
            self._reads_on = True
            self.loop.call_soon(self._read_on)

    def _may_read(self) -> bool:
        return len(self._unread) <= _MOST_UNREAD


def _has_many_lines(data: bytes) -> bool:
    """Whether there are more than a few; of a long line no byte is looked at by itself."""
    at = -1
    for _ in range(_FEW_LINES + 1):
        at = data.find(b"\n", at + 1)
        if at < 0:
            return False
    return True


class _Flow(FlowControl):
    """uvicorn's, which reads on only where it may."""

    def __init__(self, transport: asyncio.Transport, may_read: Callable[[], bool]) -> None:
        super().__init__(transport)
        self._may_read = may_read

    def resume_reading(self) -> None:
        """Read on, if nothing that was read before waits."""
        if self.read_paused and self._may_read():
            super().resume_reading()
