"""The end of a connection whose client may still be sending.

Closed at once, its system answers what comes with a reset, which can cost the client the answer
that it has not read.
"""

import asyncio

# Closed when so long nothing has come, or when all of it takes too long or too much.
_QUIET_S, _LONGEST_S = 1.0, 30.0
_MOST_BYTES = 64 * 1024 * 1024


class Linger:
    """Sends no more, throws away what comes, and closes once the client has closed or is quiet."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._left = _MOST_BYTES
        self._ends = loop.time() + _LONGEST_S
        self._heard = False
        transport.write_eof()
        loop.call_later(_QUIET_S, self._look)

    def discard(self, size: int) -> None:
        """So many bytes have come."""
        self._heard = True
        self._left -= size
        if self._left < 0:
            self._transport.close()

    def _look(self) -> None:
        if self._transport.is_closing():
            return
        if not self._heard or self._loop.time() > self._ends:
            self._transport.close()
            return
        self._heard = False
        self._loop.call_later(_QUIET_S, self._look)
