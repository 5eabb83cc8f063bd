"""No request body beyond the limit is read, whatever length it was declared to have."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import BodyTooLarge


class BodyLimit:
    """Raises BodyTooLarge in whoever reads the body, before or as it passes the limit."""

    def __init__(self, app: ASGIApp, *, limit_bytes: int) -> None:
        self.app = app
        self.limit_bytes = limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        received = int(declared) if declared.isdecimal() else 0
        counted = 0

        async def receive_within_limit() -> Message:
            nonlocal counted
            if received > self.limit_bytes:
                raise self._too_large()
            message = await receive()
            if message["type"] == "http.request":
                counted += len(message.get("body", b""))
                if counted > self.limit_bytes:
                    raise self._too_large()
            return message

        await self.app(scope, receive_within_limit, send)

    def _too_large(self) -> BodyTooLarge:
        return BodyTooLarge(f"expected a body of at most {self.limit_bytes} bytes, got more")
