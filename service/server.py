"""The HTTP protocol of a worker: uvicorn's, with a shorter way for direct paths.

For each request uvicorn builds an ASGI scope, a task and an event, and writes head and body one by
one. A POST of a whole body to a direct path needs none of that: it is answered from the parser's
callbacks, and its answer leaves in one piece with those of the same turn of the event loop.
Everything else, a direct path in any other form included, goes uvicorn's way to the same
application and ends in the same endpoints.
"""

from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from service.api.asgi import Direct
from service.api.calls import Call, Headers, find, is_length
from service.api.direct import Answer
from service.api.in_flight import HeldBody
from service.errors import TooManyBodies
from service.framing import FramedProtocol
from service.outbox import Outbox, lines

# What these say is for uvicorn to understand.
_UNUSUAL = frozenset((b"content-encoding", b"expect", b"transfer-encoding", b"upgrade"))
# A body of more bytes may take long: the answers that are ready do not wait for its.
_LONG_BYTES = 64 * 1024


class _Cycle:
    """What uvicorn's protocol asks of the request in progress, of one answered directly."""

    def __init__(self) -> None:
        self.response_complete = True
        # An answer leaves whole.
        self.response_started = False
        self.disconnected = False
        self.keep_alive = True
        # uvicorn sets the event that its own cycle waits for; here nobody waits.
        self.message_event = self

    def set(self) -> None:
        """Nothing to wake."""


class DirectProtocol(FramedProtocol):
    """One connection."""

    def __init__(self, *args: Any, outbox: Outbox, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Without such an application every request goes uvicorn's way.
        direct = self.app if isinstance(self.app, Direct) else None
        self._endpoints = None if direct is None else direct.endpoints
        self._unusual = _UNUSUAL if direct is None else _UNUSUAL | direct.cors_fields
        self._outbox = outbox
        self._direct = _Cycle()
        self._call: Call | None = None
        self._fields: Headers = {}
        self._body: bytes | bytearray = b""
        # None while all of it has come at once.
        self._held: HeldBody | None = None
        self._idle_since: float | None = None

    def on_message_begin(self) -> None:
        """A request line follows; the scope is built once it is known who needs it."""
        self.url = b""
        self.headers = []
        # Of two requests in one piece the first may have been answered by now.
        self._idle_since = None

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header more."""
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Choose the way. Raises ServiceError for a head that is refused."""
        if self._unsettled > self._head_limit_bytes:
            self._count_head()
        self._unsettled = 0
        self._call = self._direct_call()
        if self._call is not None:
            direct = self._direct
            direct.response_complete = direct.disconnected = False
            direct.keep_alive = True
            self.cycle = direct  # type: ignore[assignment]
            self._unfinished = True
            return
        self._check_head()
        url, headers = self.url, self.headers
        super().on_message_begin()
        self.url = url
        for name, value in headers:
            HttpToolsProtocol.on_header(self, name, value)
        super().on_headers_complete()
        self._unfinished = True
        # Trailers are no headers: uvicorn's scope keeps the list that it has.
        self.headers = []

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._unsettled = 0
        if self._call is None:
            super().on_body(body)
        elif not self._body:
            self._body = body
        else:
            if isinstance(self._body, bytes):
                self._body = bytearray(self._body)
            self._body += body

    def on_message_complete(self) -> None:
        """The whole request is here."""
        call, self._call = self._call, None
        if call is None:
            if self._framing is None:
                super().on_message_complete()
                self._unfinished = False
            return
        assert self._endpoints is not None
        # One that came at once is of the parser's bytes.
        body: bytes = self._body  # type: ignore[assignment]
        self._body = b""
        if self._held is not None:
            body = bytes(body)
            self._release_body()
        if len(body) > _LONG_BYTES:
            self._outbox.send()
        self._endpoints.answer(call, self._fields, body, self)
        self._unfinished = False
        self._outbox.send_soon()

    def on_response_complete(self) -> None:
        """Start the next pipelined request, or count the connection as idle from now on."""
        if self.pipeline or self.transport.is_closing():
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        self.flow.resume_reading()
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._look_again_in(self.timeout_keep_alive)

    def timeout_keep_alive_handler(self) -> None:
        """Close the connection if it has been idle for long enough.

        uvicorn makes and cancels a timer for each request; here one timer looks now and then.
        """
        self.timeout_keep_alive_task = None
        if self._idle_since is None:
            return
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._look_again_in(left)
        else:
            super().timeout_keep_alive_handler()

    def connection_lost(self, exc: Exception | None) -> None:
        """The end of the connection, and of its timer."""
        super().connection_lost(exc)
        self._direct.disconnected = True
        self._release_body()
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """The client writes no more."""
        self._outbox.send()
        return super().eof_received()

    @property
    def disconnected(self) -> bool:
        """Whether nobody is there any more to be answered directly."""
        return self._direct.disconnected or self.transport.is_closing()

    def send(self, answer: Answer) -> None:
        """Answer the direct request in progress."""
        if self._direct.disconnected:
            self._direct.response_complete = True
            return
        last = answer.last or not self._direct.keep_alive
        try:
            message = self._message(answer, last=last)
        except Exception as exc:  # noqa: BLE001 - somebody waits, whatever happens
            self._unfinished = True
            self._refuse(exc)
            return
        self._direct.response_complete = True
        self._outbox.put(self.transport, message, last=last)
        self.on_response_complete()

    def shutdown(self) -> None:
        """Close in order, after the answers that are ready."""
        self._outbox.send()
        super().shutdown()

    def _hold_body(self) -> None:
        """Count what has come of a body whose rest is to come."""
        if self._call is None:
            return
        assert self._endpoints is not None
        if self._held is None:
            self._held = HeldBody(self._endpoints.bodies)
        try:
            self._held.grow_to(len(self._body))
        except TooManyBodies as exc:
            self._refuse(exc)

    def _send_answers(self) -> None:
        self._outbox.send()

    def _count_refused(self, problem: str) -> None:
        """Count a refusal, and its problem's kind."""
        if self._endpoints is not None:
            self._endpoints.count_refused(problem)

    def _release_body(self) -> None:
        self._body = b""
        if self._held is not None:
            self._held.release()
            self._held = None

    def _refuse(self, error: Exception) -> None:
        """Answer with an error and read nothing more, nor keep what was read."""
        self._call = None
        self._release_body()
        super()._refuse(error)

    def _unset_keepalive_if_required(self) -> None:
        self._idle_since = None

    def _look_again_in(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(
            seconds, self.timeout_keep_alive_handler
        )

    def _direct_call(self) -> Call | None:
        """The call of a plain POST with a declared and allowed length, if no request is before it.

        Plain: without a query, escapes in its path, or a wish for anything but the next request.
        """
        call = find(self.url.decode("latin-1"))
        if (
            call is None
            or self._endpoints is None
            or not (self.cycle is None or self.cycle.response_complete)
            or self.flow.write_paused
            or self.parser.get_method() != b"POST"
            or not self.parser.should_keep_alive()
        ):
            return None
        fields = dict(self.headers)
        connection = fields.get(b"connection")
        if (connection is not None and not self._persists(connection)) or not (
            self._unusual.isdisjoint(fields)
        ):
            return None
        length = fields.get(b"content-length", b"")
        if not is_length(length) or int(length) > self._endpoints.body_limit_bytes:
            return None
        self._fields = fields
        return call

    def _persists(self, connection: bytes) -> bool:
        return connection.lower() == b"keep-alive" and self.parser.get_http_version() == "1.1"

    def _message(self, answer: Answer, *, last: bool) -> bytes:
        own = lines(answer.headers) if answer.headers else b""
        return (b"%b%b%b%bcontent-type: %b\r\ncontent-length: %d\r\nx-request-id: %b\r\n\r\n%b") % (
            STATUS_LINE[answer.status],
            self._outbox.written(self.server_state.default_headers),
            own,
            b"connection: close\r\n" if last else b"",
            answer.media_type,
            len(answer.body),
            answer.request_id,
            answer.body,
        )
