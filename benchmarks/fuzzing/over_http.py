"""The same bodies over HTTP both ways, direct and chunked: the same answers, all of them in order.

A length that is declared takes the direct way and chunks take the framework's. The id that both
requests of a body have makes whole answers comparable, and their order visible.
"""

import socket
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import pairwise
from random import Random
from typing import NamedTuple

from benchmarks.fuzzing.bodies import Body
from benchmarks.fuzzing.decoders import Disagreement

_PATIENCE_S = 10.0
# The service closes a connection that is idle for five seconds.
_IDLE_S = 2.0
_RECEIVED_BYTES = 64 * 1024
_BUSY, _SERVER_ERROR = 503, 500
_MOST_PIECES = 6


class Answer(NamedTuple):
    """An answer's status, its X-Request-Id, its body, and whether the connection ends with it."""

    status: int
    request_id: bytes
    body: bytes
    closes: bool


class Unanswered(Disagreement):
    """A connection that ended, or was silent for long, while an answer was due."""


class ServerFailed(Disagreement):
    """An answer of 500 or more that does not ask to come later."""


class BothWays:
    """Two connections to a service; the bodies of a group are pipelined on each."""

    def __init__(self, port: int, seed: int) -> None:
        self._connections = {way: _Connection(port) for way in (_declared, _in_chunks)}
        self._rng = Random(seed)  # noqa: S311 - no secret is made of it
        self.statuses: Counter[int] = Counter()

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()

    def check(self, bodies: Sequence[Body]) -> None:
        """Send the bodies both ways and compare. Raises Disagreement."""
        direct, chunked = (
            connection.ask(bodies, way, self._rng) for way, connection in self._connections.items()
        )
        for body, one, other in zip(bodies, direct, chunked, strict=True):
            self.statuses.update((one.status, other.status))
            for answer in (one, other):
                if answer.status >= _SERVER_ERROR and answer.status != _BUSY:
                    raise ServerFailed(body, f"{answer}")
            if _BUSY not in (one.status, other.status) and one != other:
                raise Disagreement(body, f"with a length {one}, in chunks {other}")


class _Connection:
    def __init__(self, port: int) -> None:
        self._port = port
        self._connect()

    def _connect(self) -> None:
        self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=_PATIENCE_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = bytearray()
        self._used = time.monotonic()

    def close(self) -> None:
        self._socket.close()

    def ask(
        self, bodies: Sequence[Body], way: Callable[[Body, Random], bytes], rng: Random
    ) -> list[Answer]:
        """The answers to the bodies, all sent before the first is read. Raises Unanswered."""
        if time.monotonic() > self._used + _IDLE_S:
            self._connect_again()
        answers: list[Answer] = []
        try:
            # After a refusal that ends the connection, the answer is there to be read all the same.
            with suppress(BrokenPipeError, ConnectionResetError):
                for piece in _pieces(b"".join(way(body, rng) for body in bodies), rng):
                    self._socket.sendall(piece)
            for body in bodies:
                answers.append(self._answer())
                if answers[-1].request_id != _request_id(body):
                    raise Disagreement(body, f"out of order: {answers[-1]}")
        except OSError as exc:
            raise Unanswered(bodies[len(answers)], f"no answer ({way.__name__}): {exc!r}") from exc
        self._used = time.monotonic()
        if answers[-1].closes:
            self._connect_again()
        return answers

    def _connect_again(self) -> None:
        self.close()
        self._connect()

    def _answer(self) -> Answer:
        while (end := self._received.find(b"\r\n\r\n")) < 0:
            self._receive()
        first, *lines = bytes(self._received[:end]).split(b"\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in lines)
        size = end + 4 + int(fields[b"content-length"])
        while len(self._received) < size:
            self._receive()
        body = bytes(self._received[end + 4 : size])
        del self._received[:size]
        closes = fields.get(b"connection") == b"close"
        return Answer(int(first.split(b" ", 2)[1]), fields[b"x-request-id"], body, closes)

    def _receive(self) -> None:
        received = self._socket.recv(_RECEIVED_BYTES)
        if not received:
            raise ConnectionResetError("closed by the service")
        self._received += received


def _request_id(body: Body) -> bytes:
    return b"fuzz-%d" % body.number


def _head(body: Body, framing: bytes) -> bytes:
    return b"POST %b HTTP/1.1\r\nHost: fuzz\r\nX-Request-Id: %b\r\n%b\r\n\r\n" % (
        body.path.encode(),
        _request_id(body),
        framing,
    )


def _declared(body: Body, _rng: Random) -> bytes:
    return _head(body, b"Content-Length: %d" % len(body.content)) + body.content


def _in_chunks(body: Body, rng: Random) -> bytes:
    pieces = _pieces(body.content, rng) if body.content else []
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return _head(body, b"Transfer-Encoding: chunked") + chunks + b"0\r\n\r\n"


def _pieces(content: bytes, rng: Random) -> list[bytes]:
    """All of it in one to a few pieces, none of them empty."""
    cuts = {rng.randrange(1, len(content) + 1) for _ in range(rng.randrange(_MOST_PIECES))}
    places = sorted({0, len(content), *cuts})
    return [content[start:end] for start, end in pairwise(places)]
