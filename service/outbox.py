"""Answers as bytes, and when they leave."""

import asyncio
import logging
from collections.abc import Iterable

_log = logging.getLogger(__name__)


class Outbox:
    """Answers that are ready in one turn of the event loop, sent together at its end.

    Sent one by one each of them wakes a client that sleeps again before the next one is ready,
    which costs a fifth of a request (docs/decisions/0015).
    """

    def __init__(self) -> None:
        self._ready: list[tuple[asyncio.Transport, bytes, bool]] = []
        self._sends_soon = False
        self._common: list[tuple[bytes, bytes]] = []
        self._written = b""

    def written(self, common: list[tuple[bytes, bytes]]) -> bytes:
        """The headers that all answers of a second have in common, as they are sent."""
        if common is not self._common:
            self._common = common
            self._written = lines(common)
        return self._written

    def put(self, transport: asyncio.Transport, answer: bytes, *, last: bool) -> None:
        """Send an answer at the end of this turn, and close its connection if it is the last."""
        self.send_soon()
        self._ready.append((transport, answer, last))

    def send_soon(self) -> None:
        """Send what is ready after all that the loop was asked to do until now."""
        if not self._sends_soon:
            self._sends_soon = True
            asyncio.get_running_loop().call_soon(self.send)

    def send(self) -> None:
        """Send them now."""
        ready, self._ready = self._ready, []
        self._sends_soon = False
        for transport, answer, last in ready:
            try:
                if not transport.is_closing():
                    transport.write(answer)
                    if last:
                        transport.close()
            except Exception:  # noqa: BLE001 - the answers of other connections leave all the same
                _log.exception("an answer could not be written")
                transport.abort()


def lines(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Headers as they are sent."""
    return b"".join(b"%b: %b\r\n" % header for header in headers)
