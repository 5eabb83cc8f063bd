"""The HTTP protocol of a worker: uvicorn's, with a shorter way for direct paths.

For each request uvicorn builds an ASGI scope, a task and an event, and writes head and body one by
one. A POST of a whole body to a direct path needs none of that: it is answered from the parser's
callbacks with a single write. Everything else, a direct path in any other form included, goes
uvicorn's way to the same application and ends in the same endpoints.
"""

from collections.abc import Awaitable
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from service.api.direct import Answer, Call, Direct

_CLOSE = b"connection: close\r\n"


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
        self._pieces: list[bytes] = []

    def on_message_begin(self) -> None:
        """A request line follows; the scope is built once it is known who needs it."""
        self.url = b""
        self.headers = []
        self.expect_100_continue = False

    def on_headers_complete(self) -> None:
        """Choose the way."""
        self._call = self._direct_call()
        if self._call is not None:
            self._pieces.clear()
            self._direct.response_complete = self._direct.disconnected = False
            self._direct.keep_alive = self.parser.should_keep_alive()
            self.cycle = self._direct  # type: ignore[assignment]
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
        else:
            self._pieces.append(body)

    def on_message_complete(self) -> None:
        """The whole request is here."""
        call, self._call = self._call, None
        if call is None:
            super().on_message_complete()
            return
        assert self._endpoints is not None
        body = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        answer = self._endpoints.answer(call, self.headers, body)
        if isinstance(answer, Answer):
            self._write(answer)
            return
        task = self.loop.create_task(self._write_later(answer))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def _direct_call(self) -> Call | None:
        """The call of a POST with a declared and allowed length, if no request is before it."""
        if (
            self._endpoints is None
            or not (self.cycle is None or self.cycle.response_complete)
            or self.flow.write_paused
            or self.expect_100_continue
            or self.parser.get_method() != b"POST"
            or self.parser.get_http_version() != "1.1"
            or self.parser.should_upgrade()
            or not self._is_within_limit(self._endpoints.body_limit_bytes)
            # A query, or an escape, is for those who know how to read it.
            or b"?" in self.url
            or b"%" in self.url
        ):
            return None
        return self._endpoints.find(self.url.decode("ascii"))

    def _is_within_limit(self, limit: int) -> bool:
        for name, value in self.headers:
            if name == b"content-length":
                return value.isdigit() and int(value) <= limit
        return False

    async def _write_later(self, answer: Awaitable[Answer]) -> None:
        self._write(await answer)

    def _write(self, answer: Answer) -> None:
        self._direct.response_complete = True
        if self._direct.disconnected:
            return
        head = [STATUS_LINE[answer.status]]
        for name, value in (*self.server_state.default_headers, *answer.headers):
            head += (name, b": ", value, b"\r\n")
        if not self._direct.keep_alive:
            head.append(_CLOSE)
        self.transport.write(b"".join((*head, b"\r\n", answer.body)))
        if not self._direct.keep_alive:
            self.transport.close()
        self.on_response_complete()
