"""Where requests begin and end on a connection, and what is refused because of it.

uvicorn's protocol, with three promises more: nothing of one request is ever taken for another;
what cannot be read is refused once, after the answers before it, and ends the connection; and a
client that has only stopped writing gets all its answers.
"""

import asyncio
import logging
from functools import partial
from typing import Any

import httptools
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from service.api import problems
from service.api.middleware.request_id import HEADER, RequestIds
from service.errors import HeadTooLarge, MalformedRequest, ServiceError, UnsupportedRequest
from service.linger import Linger
from service.pacing import PIECE_BYTES, PacedProtocol

Head = list[tuple[bytes, bytes]]

_log = logging.getLogger(__name__)


class FramedProtocol(PacedProtocol):
    """One connection, whose requests are told apart safely."""

    def __init__(self, *args: Any, head_limit_bytes: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_limit_bytes = head_limit_bytes
        # Bytes since the parser has made anything of them: of a head, a trailer, an extension.
        self._unsettled = 0
        # Whether the request of self.cycle is still to come to its end.
        self._unfinished = False
        # Of the requests that go uvicorn's way, the one that is being answered.
        self._running: RequestResponseCycle | None = None
        self._client_closes = False
        self._refused = self._ended = False
        self._linger: Linger | None = None
        self._framing: bytes | None = None

    def data_received(self, data: bytes) -> None:
        """Bytes of the client."""
        if self._refused:
            self._unset_keepalive_if_required()
            if self._linger is not None:
                self._linger.discard(len(data))
            return
        size = len(data)
        if (size > PIECE_BYTES or self._unread) and self._set_aside(data):
            return
        self._unsettled += size
        try:
            self._feed(data)
        except httptools.HttpParserError as exc:
            self._refuse(_cause(exc))
            return
        if self._unsettled > self._head_limit_bytes:
            self._refuse(self._head_too_large())
        elif self._unfinished:
            self._hold_body()

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """The client writes no more: what it is owed is sent, then the connection ends."""
        if self._unread:
            self._ends_later = True
            return True
        self._ended = True
        if self._linger is not None:
            return None
        if self._unfinished and not self._refused:
            self._refuse(MalformedRequest("expected the whole body, got the connection's end"))
        if self.cycle is None or self.cycle.response_complete:
            return None
        self.cycle.keep_alive = False
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """The end of the connection: uvicorn tells it to the last request, not to one before."""
        if self._running is not None:
            self._running.disconnected = True
            self._running.message_event.set()
        super().connection_lost(exc)

    def hang_up(self) -> None:
        """Send no more; close once the client has read it, or after a while."""
        may_send = self._refused or self._unfinished or not self._client_closes
        self._refused = True
        self.pipeline.clear()
        if self._ended or not may_send or not self.transport.can_write_eof():
            self.transport.close()
        elif self._linger is None and not self.transport.is_closing():
            self._linger = Linger(self.transport, self.loop)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGIApp) -> None:  # type: ignore[override]
        self._running = cycle
        self._client_closes = not cycle.keep_alive
        cycle.transport = _Lingering(self)  # type: ignore[assignment]
        super()._start_asgi_task(cycle, partial(self._answer_unless_cancelled, cycle, app))

    async def _answer_unless_cancelled(
        self,
        cycle: RequestResponseCycle,
        app: ASGIApp,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        try:
            await app(scope, receive, send)
        except asyncio.CancelledError:
            # The service stops, and the time that requests have to end in is over.
            cycle.disconnected = True
            self.transport.close()

    def _count_refused(self, problem: str) -> None:
        """A request has been refused with this kind of problem."""

    def _hold_body(self) -> None:
        """The rest of a request is to come in bytes of their own."""

    def _should_upgrade(self) -> bool:
        return False

    def _check_head(self) -> None:
        """Refuse a head that others may frame in another way. Raises ServiceError."""
        method, version = self.parser.get_method(), self.parser.get_http_version()
        if method == b"CONNECT":
            raise UnsupportedRequest("expected another method, got CONNECT")
        codings = [value for name, value in self.headers if name == b"transfer-encoding"]
        if codings and version != "1.1":
            raise MalformedRequest(f"expected no Transfer-Encoding in HTTP/{version}, got one")
        if codings and [coding.strip().lower() for coding in codings] != [b"chunked"]:
            got = b", ".join(codings).decode("latin-1")
            raise UnsupportedRequest(f"expected Transfer-Encoding: chunked alone, got {got[:100]}")
        if httptools.parse_url(self.url).path is None:
            raise MalformedRequest("expected a path, got a target without one")
        # The parser takes whatever follows for another protocol's, the request's own body as well.
        self._framing = _body_framing(self.headers) if self.parser.should_upgrade() else None

    def _count_head(self) -> None:
        """Count a head whose end came with much else. Raises HeadTooLarge."""
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > self._head_limit_bytes:
            raise self._head_too_large()

    def _head_too_large(self) -> HeadTooLarge:
        limit = self._head_limit_bytes
        return HeadTooLarge(f"expected at most {limit} bytes of request line and headers, got more")

    def _feed(self, data: bytes) -> None:
        rest: bytes | memoryview = data
        while True:
            try:
                self.parser.feed_data(rest)
                return
            except httptools.HttpParserUpgrade as upgrade:
                rest = memoryview(rest)[upgrade.args[0] :]
            if self._framing is not None:
                self.parser = _parser_within(self, self._framing)
                self._framing = None
            if not rest:
                return

    def _refuse(self, error: Exception) -> None:
        """Answer with an error after the answers before it, and read nothing more."""
        self._refused = True
        if self._unfinished and not self._withdrawn():
            return
        head = self.headers if isinstance(error, UnsupportedRequest) else []
        request_id = RequestIds().of(dict(head).get(b"x-request-id", b"").decode("latin-1"))
        if isinstance(error, ServiceError):
            response = problems.explained(error, "", request_id)
        else:
            _log.error("request %s failed", request_id, exc_info=error)
            response = problems.unexpected("", request_id)
        self._count_refused(problems.kind_of(error))
        response.headers[HEADER] = request_id
        response.headers["Connection"] = "close"
        self._answer_last(response)

    def _withdrawn(self) -> bool:
        """Take the request in progress back, unless its answer has begun: that is the last."""
        cycle = self.cycle
        if self.pipeline and self.pipeline[0][0] is cycle:
            self.pipeline.popleft()
            return True
        if cycle.response_complete:
            self.hang_up()
            return False
        if cycle.response_started:
            cycle.keep_alive = False
            return False
        cycle.disconnected = cycle.response_complete = True
        cycle.message_event.set()
        return True

    def _answer_last(self, response: Response) -> None:
        before = self.cycle
        self.cycle = RequestResponseCycle(
            scope=self._refused_scope(),  # type: ignore[arg-type]
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=False,
            on_response=self.on_response_complete,
        )
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, response)
        else:
            self.pipeline.appendleft((self.cycle, response))  # type: ignore[arg-type]

    def _refused_scope(self) -> dict[str, Any]:
        return {
            "type": "http",
            "method": "GET",
            "http_version": "1.1",
            "path": "",
            "query_string": b"",
            "headers": [],
            "client": self.client,
        }


class _Lingering:
    """A transport that hangs up where it is to close."""

    def __init__(self, protocol: FramedProtocol) -> None:
        self.write = protocol.transport.write
        self.is_closing = protocol.transport.is_closing
        self.close = protocol.hang_up


class _Within:
    """A protocol's callbacks, but for a first head that frames a body and is nobody's request."""

    def __init__(self, protocol: FramedProtocol) -> None:
        self._protocol = protocol
        self._begun = False
        self.on_body = protocol.on_body
        self.on_message_complete = protocol.on_message_complete

    def on_message_begin(self) -> None:
        if self._begun:
            self._protocol.on_message_begin()

    def on_url(self, url: bytes) -> None:
        if self._begun:
            self._protocol.on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        # A trailer of that first request is one of the protocol's, and kept from its headers there.
        if self._begun:
            self._protocol.on_header(name, value)

    def on_headers_complete(self) -> None:
        if self._begun:
            self._protocol.on_headers_complete()
        self._begun = True


def _parser_within(protocol: FramedProtocol, framing: bytes) -> httptools.HttpRequestParser:
    """A parser that has read a head and awaits its body."""
    parser = httptools.HttpRequestParser(_Within(protocol))
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    parser.feed_data(b"POST / HTTP/1.1\r\n%b\r\n\r\n" % framing)
    return parser


def _body_framing(headers: Head) -> bytes | None:
    """The header that says how long a body is, if there is any."""
    fields = dict(headers)
    if b"transfer-encoding" in fields:
        return b"transfer-encoding: chunked"
    length = fields.get(b"content-length", b"0")
    return b"content-length: %b" % length if length.strip(b" 0") else None


def _cause(error: httptools.HttpParserError) -> Exception:
    """What a parser's error comes from: the client's bytes, or a callback."""
    cause = error.__context__
    if not isinstance(error, httptools.HttpParserCallbackError) or not isinstance(cause, Exception):
        return MalformedRequest(f"expected a request of HTTP/1.1, got what is none: {error}")
    if isinstance(cause, httptools.HttpParserError):
        return MalformedRequest(f"expected a path, got a target that is none: {cause}")
    return cause
