"""Every answer carries an id: the caller's, if it sent a sane one, or a new one."""

import itertools
import re
import secrets

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "X-Request-Id"
_SANE = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")


class RequestIds:
    """Ids of 32 hexadecimal digits that no other process gives: a random half, and a count."""

    def __init__(self) -> None:
        self._process = secrets.token_hex(8)
        self._count = itertools.count(1)

    def of(self, sent: str) -> str:
        """The id that came with a request if it is sane, else the next of one's own."""
        if sent and _SANE.fullmatch(sent):
            return sent
        return f"{self._process}{next(self._count):016x}"


class RequestId:
    """Sets `request.state.request_id` and the answer's X-Request-Id."""

    def __init__(self, app: ASGIApp, *, ids: RequestIds) -> None:
        self.app = app
        self.ids = ids

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        # Of an id that comes twice the last, as on the direct paths.
        sent = dict(scope["headers"]).get(b"x-request-id", b"")
        request_id = self.ids.of(sent.decode("latin-1"))
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        await self.app(scope, receive, send_with_id)
