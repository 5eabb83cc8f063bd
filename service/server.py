"""The HTTP protocol of a worker: uvicorn's, with a shorter way for direct paths.

For each request uvicorn builds an ASGI scope, a task and an event, and writes head and body one by
one. A POST of a whole body to a direct path needs none of that: it is answered from the parser's
callbacks with a single write. Everything else, a direct path in any other form included, goes
uvicorn's way to the same application and ends in the same endpoints.
"""

from collections.abc import Awaitable
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from service.api.direct import Answer, Call, Direct, find

# What these say is for uvicorn to understand.
_UNUSUAL = frozenset((b"expect", b"transfer-encoding", b"upgrade"))


class _Cycle:
    """What uvicorn's protocol asks of the request in progress, of one answered directly."""

    def __init__(self) -> None:
        self.response_complete = True
        self.disconnected = False
        self.keep_alive = True
        # uvicorn sets the event that its own cycle waits for; here nobody waits.
        self.message_event = self

    def set(self) -> None:
        """Nothing to wake."""


class DirectProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Without such an application every request goes uvicorn's way.
        self._endpoints = self.app.endpoints if isinstance(self.app, Direct) else None
        self._direct = _Cycle()
        self._call: Call | None = None
        self._body = b""

    def on_message_begin(self) -> None:
        """A request line follows; the scope is built once it is known who needs it."""
        self.url = b""
        self.headers = []
        self.expect_100_continue = False

    def on_headers_complete(self) -> None:
        """Choose the way."""
        self._call = self._direct_call()
        if self._call is not None:
            self._body = b""
            direct = self._direct
            direct.response_complete = direct.disconnected = False
            direct.keep_alive = True
            self.cycle = direct  # type: ignore[assignment]
            return
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers.extend(headers)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        if self._call is None:
            super().on_body(body)
        elif self._body:
            self._body += body
        else:
            self._body = body

    def on_message_complete(self) -> None:
        """The whole request is here."""
        call, self._call = self._call, None
        if call is None:
            super().on_message_complete()
            return
        assert self._endpoints is not None
        body, self._body = self._body, b""
        answer = self._endpoints.answer(call, self.headers, body)
        if isinstance(answer, Answer):
            self._write(answer)
            return
        task = self.loop.create_task(self._write_later(answer))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

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
            or b"%" in self.url
            or self.parser.get_method() != b"POST"
            or not self.parser.should_keep_alive()
        ):
            return None
        length = b""
        for name, value in self.headers:
            if name == b"content-length":
                length = value
            elif name in _UNUSUAL or (name == b"connection" and not self._persists(value)):
                return None
        within = length.isdigit() and int(length) <= self._endpoints.body_limit_bytes
        return call if within else None

    def _persists(self, connection: bytes) -> bool:
        return connection.lower() == b"keep-alive" and self.parser.get_http_version() == "1.1"

    async def _write_later(self, answer: Awaitable[Answer]) -> None:
        self._write(await answer)

    def _write(self, answer: Answer) -> None:
        self._direct.response_complete = True
        if self._direct.disconnected:
            return
        head = STATUS_LINE[answer.status]
        for name, value in (*self.server_state.default_headers, *answer.headers):
            head += b"%b: %b\r\n" % (name, value)
        if not self._direct.keep_alive:
            head += b"connection: close\r\n"
        self.transport.write(
            b"%bcontent-type: %b\r\ncontent-length: %d\r\nx-request-id: %b\r\n\r\n%b"
            % (head, answer.media_type, len(answer.body), answer.request_id, answer.body)
        )
        if not self._direct.keep_alive:
            self.transport.close()
        self.on_response_complete()
