"""A client's connection, what it is owed, and whether it got that and no more."""

import json
import select
import socket
import struct
import time
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise

from benchmarks.fuzzing.answers import Answer, Answers
from benchmarks.fuzzing.in_thread import PATIENCE_S
from benchmarks.fuzzing.requests import Request

_RECEIVED_BYTES = 64 * 1024
_SMALL_BUFFER = 4096
# How long sending may stand still before what has come is read.
_STUCK_S = 0.05
# So that two segments are two to the service as well.
_PAUSE_S = 0.001
# What the service has read of one segment for sure, even where it has paused reading.
_READ_BYTES = 32 * 1024
_REFUSALS = (400, 408)


class Connection:
    """Sends requests, whole or in part, and holds answers against them in their order."""

    def __init__(self, port: int, *, small_buffer: bool = False) -> None:
        self._socket = socket.socket()
        if small_buffer:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_BUFFER)
        self._socket.settimeout(PATIENCE_S)
        self._socket.connect(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = bytearray()
        self._answers = Answers(self._receive)
        self._sent: list[Request] = []
        self._answered = 0
        self._last: Answer | None = None
        self._begun: Request | None = None
        self._written = 0
        self._ended_writing = self._service_stops = False
        # Segments, and their bytes, since all answers were read.
        self._segments = self._bytes = 0

    @property
    def closes(self) -> bool:
        """Whether a request that was sent whole is the last to be answered."""
        return any(request.expected.closes for request in self._sent)

    @property
    def can_finish(self) -> bool:
        """Whether a whole head was sent, and the rest of the request may follow."""
        return (
            self._begun is not None
            and not self._ended_writing
            and self._written >= self._begun.head_bytes
        )

    @property
    def may_send(self) -> bool:
        """Whether another request may begin."""
        return self._begun is None and not self._ended_writing

    def send(self, requests: Sequence[Request], *, cuts: Sequence[float] = ()) -> None:
        """Send whole requests in one segment, or in several that end at these shares of all."""
        if self._has_asked_to_close():
            return
        requests = _allowed(requests, in_one=not cuts)
        content = b"".join(request.content for request in requests)
        places = sorted({0, len(content), *(int(cut * len(content)) for cut in cuts)})
        for start, end in pairwise(places):
            self._send(content[start:end])
            time.sleep(_PAUSE_S if end < len(content) else 0)
        self._sent += requests

    def begin(self, before: Sequence[Request], request: Request, place: float) -> None:
        """Send whole requests and, in the same segment, the beginning of another one."""
        end = 1 + int(place * (len(request.content) - 1))
        if self._has_asked_to_close() or any(whole.asks_to_close for whole in before):
            return
        self._send(b"".join(whole.content for whole in before) + request.content[:end])
        self._sent += before
        self._begun, self._written = request, end

    def proceed(self, place: float) -> None:
        """Send more of the request that was begun, but not its end."""
        if self._begun is None:
            return
        end = self._written + int(place * (len(self._begun.content) - self._written))
        self._send(self._begun.content[self._written : end])
        self._written = end

    def finish(self, after: Sequence[Request]) -> None:
        """Send the rest of the request that was begun and, in the same segment, more requests."""
        if self._begun is None:
            return
        requests = _allowed([self._begun, *after], in_one=True)
        content = b"".join(request.content for request in requests)
        self._send(content[self._written :])
        self._sent += requests
        self._begun = None

    def ask(self, request: Request) -> None:
        """Send a head, read what is due and the go-ahead, then send the body."""
        if self._has_asked_to_close():
            return
        self._send(request.content[: request.head_bytes])
        self.read()
        if not self.closes:
            found = self._answers.go_ahead()
            assert found == 100, f"expected a go-ahead for {request}, got {found}"
        self._send(request.content[request.head_bytes :])
        self._sent.append(request)

    def read(self) -> None:
        """Read an answer to each request that was sent whole."""
        for request in self._due()[self._answered :]:
            answer = self._answers.next(request.expected.method)
            if answer is None and self._may_be_unread():
                self._sent = self._sent[: self._answered]
                return
            assert answer is not None, f"no answer to {request}: the connection has ended"
            self._check(answer, request)
        self._segments = self._bytes = 0

    def next(self) -> Answer | None:
        """The next answer, whatever it is, or None at the connection's end."""
        return self._answers.next("POST")

    def end_writing(self) -> None:
        """Say that nothing more will be sent, if that has not been said."""
        if self._ended_writing:
            return
        self._ended_writing = True
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            assert self.closes or self._service_stops

    def service_stops(self) -> None:
        """From now on any answer may be the last one."""
        self._service_stops = True

    def read_to_end(self) -> None:
        """Read all that is due, at most one answer to what was begun, and then the end."""
        self.read()
        if self._begun is not None and not self.closes and not self._said_last():
            self._check_refusal(self._begun)
        extra = self._answers.next("GET")
        assert extra is None, f"nobody asked for {extra}"
        self._socket.close()

    def leave(self, *, reset: bool) -> None:
        """Close, in order or by a reset."""
        if reset:
            linger = struct.pack("ii", 1, 0)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._socket.close()

    def _due(self) -> list[Request]:
        for number, request in enumerate(self._sent, 1):
            if request.expected.closes:
                return self._sent[:number]
        return self._sent

    def _may_be_unread(self) -> bool:
        """Whether the service, as it stopped, had not read all that was sent to it."""
        unread = self._said_last() or self._segments > 1 or self._bytes > _READ_BYTES
        return self._service_stops and unread

    def _has_asked_to_close(self) -> bool:
        """Whether the client has said that it sends no more requests."""
        return any(request.asks_to_close for request in self._sent)

    def _said_last(self) -> bool:
        return self._last is not None and self._last.closes

    def _check(self, answer: Answer, request: Request) -> None:
        expected = request.expected
        self._answered += 1
        assert not self._said_last(), f"{answer} came after the last one"
        self._last = answer
        assert answer.status == expected.status, f"{request}: {answer}"
        if expected.keeps_id:
            assert answer.request_id == request.request_id, f"{request}: {answer}"
        if expected.closes or not (self._ended_writing or self._service_stops):
            assert answer.closes == expected.closes, f"{request}: {answer}"
        assert request.asks_for_go_ahead or not answer.go_aheads, f"{request}: {answer}"
        if expected.method == "HEAD":
            assert not answer.body
        elif answer.status >= 400 and not expected.target.startswith("/v2"):
            assert json.loads(answer.body)["request_id"] == answer.request_id
        else:
            json.loads(answer.body)

    def _check_refusal(self, begun: Request) -> None:
        """What came early is the answer that the whole request would have got, or a refusal."""
        answer = self._answers.next(begun.expected.method)
        if answer is None:
            return
        refused = answer.status in _REFUSALS and answer.closes
        own = answer.status == begun.expected.status and (
            answer.request_id == begun.request_id or not begun.expected.keeps_id
        )
        assert own or refused, f"{begun} of which {self._written} bytes were sent: {answer}"

    def _send(self, content: bytes) -> None:
        """Send all; read what comes meanwhile, lest each side wait for the other to read."""
        left = memoryview(content)
        self._segments += 1
        self._bytes += len(content)
        try:
            while left:
                _, writable, _ = select.select([], [self._socket], [], _STUCK_S)
                with suppress(BlockingIOError):
                    if writable:
                        left = left[self._socket.send(left, socket.MSG_DONTWAIT) :]
                    else:
                        self._received += self._socket.recv(_RECEIVED_BYTES, socket.MSG_DONTWAIT)
        except (BrokenPipeError, ConnectionResetError):
            # After a last answer, which is still there to be read; without one, reading finds out.
            pass

    def _receive(self) -> bytes:
        if self._received:
            piece, self._received = bytes(self._received), bytearray()
            return piece
        try:
            return self._socket.recv(_RECEIVED_BYTES)
        except ConnectionResetError:
            return b""


def _allowed(requests: Sequence[Request], *, in_one: bool) -> Sequence[Request]:
    """Those up to the first that asks to close, and what comes in one short segment with it.

    What is sent later may cost a client the answers that it has not read yet.
    """
    for number, request in enumerate(requests, 1):
        if request.asks_to_close:
            size = sum(len(one.content) for one in requests)
            return requests if in_one and size <= _READ_BYTES else requests[:number]
    return requests
