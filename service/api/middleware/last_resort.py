"""A failure that nobody foresaw is logged whole and answered with one sentence."""

import logging

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.problems import unexpected

_log = logging.getLogger(__name__)


class LastResort:
    """Turns any exception into a 500 answer without a trace of the inside."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def send_noting_start(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, send_noting_start)
        except Exception:
            if scope["type"] != "http" or started:
                raise
            request_id = Request(scope).state.request_id
            _log.exception("request %s failed", request_id)
            await unexpected(scope["path"], request_id)(scope, receive, send)
