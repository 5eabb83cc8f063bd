"""The answers on a connection, read strictly by h11, which shares no code with the service."""

from collections.abc import Callable
from typing import NamedTuple

import h11


class Answer(NamedTuple):
    """A final answer, and how many go-aheads (100) came before it."""

    status: int
    request_id: str
    body: bytes
    closes: bool
    go_aheads: int


class Answers:
    """Reads answers one after the other; `receive` gives bytes, none at the connection's end."""

    def __init__(self, receive: Callable[[], bytes]) -> None:
        self._receive = receive
        self._rest = b""
        self._go_aheads = 0

    def go_ahead(self) -> int | None:
        """The status of the next head, a go-ahead or the final one, or None at the end.

        A go-ahead is taken, a final head left for `next`.
        """
        parser = _parser("POST")
        taken = b""
        while True:
            piece = self._rest or self._receive()
            self._rest = b""
            if not piece:
                self._rest = taken
                return None
            taken += piece
            parser.receive_data(piece)
            event = parser.next_event()
            if isinstance(event, h11.InformationalResponse):
                self._go_aheads += 1
                self._rest = parser.trailing_data[0]
                return event.status_code
            if isinstance(event, h11.Response):
                self._rest = taken
                return event.status_code

    def next(self, method: str) -> Answer | None:
        """The answer to a request of that method, or None if the connection has ended.

        Raises h11.RemoteProtocolError for what is no answer, or half of one.
        """
        if not self._rest:
            self._rest = self._receive()
            if not self._rest:
                return None
        parser = _parser(method)
        parser.receive_data(self._rest)
        response, body = None, b""
        while True:
            event = parser.next_event()
            if event is h11.NEED_DATA:
                parser.receive_data(self._receive())
            elif isinstance(event, h11.InformationalResponse):
                self._go_aheads += 1
            elif isinstance(event, h11.Response):
                response = event
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                assert response is not None
                self._rest = parser.trailing_data[0]
                return self._answer(response, body)
            else:
                raise h11.RemoteProtocolError(f"expected an answer, got {event!r}")

    def _answer(self, response: h11.Response, body: bytes) -> Answer:
        go_aheads, self._go_aheads = self._go_aheads, 0
        fields = dict(response.headers)
        return Answer(
            response.status_code,
            fields[b"x-request-id"].decode(),
            body,
            fields.get(b"connection") == b"close",
            go_aheads,
        )


def _parser(method: str) -> h11.Connection:
    parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=1024 * 1024)
    parser.send(h11.Request(method=method, target="/", headers=[("Host", "x")]))
    parser.send(h11.EndOfMessage())
    return parser
