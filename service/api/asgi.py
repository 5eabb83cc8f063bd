"""The direct paths for any ASGI server, in front of the framework."""

import asyncio
import time
from collections.abc import Mapping, Set
from typing import Any

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api import problems
from service.api.calls import Call, find
from service.api.direct import Answer, DirectEndpoints
from service.api.in_flight import read_body


class Direct:
    """ASGI: answers direct paths itself and hands every other one to the framework."""

    def __init__(
        self, app: ASGIApp, endpoints: DirectEndpoints, *, cors: Mapping[str, Any] | None = None
    ) -> None:
        self.app = app
        self.endpoints = endpoints
        self._direct: ASGIApp = self._respond
        # Whoever answers before ASGI leaves requests with these to it.
        self.cors_fields: Set[bytes] = frozenset()
        if cors is not None:
            self._direct = CORSMiddleware(self._respond, **cors)
            self.cors_fields = frozenset((b"origin",))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_direct = scope["type"] == "http" and find(scope["path"]) is not None
        # The framework knows who may ask, of every path.
        if is_direct and not (self.cors_fields and _is_preflight(scope)):
            await self._direct(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = find(scope["path"])
        assert call is not None
        answer = await self._answer(call, scope, receive)
        if answer is None:
            return
        headers = [
            (b"content-type", answer.media_type),
            (b"content-length", b"%d" % len(answer.body)),
            (b"x-request-id", answer.request_id),
            *answer.headers,
        ]
        if answer.last:
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _answer(self, call: Call, scope: Scope, receive: Receive) -> Answer | None:
        """The answer, if the client is still there to get one."""
        endpoints, headers, method = self.endpoints, dict(scope["headers"]), scope["method"]
        started = time.perf_counter()
        try:
            if method != "POST":
                request_id = endpoints.request_id(headers)
                refusal = problems.wrong_method(
                    call.path, request_id, method=method, allowed="POST"
                )
                return endpoints.responded(call, request_id, refusal, started)
            body = await read_body(
                headers, receive, limit=endpoints.body_limit_bytes, bodies=endpoints.bodies
            )
        except Exception as exc:  # noqa: BLE001 - as in DirectEndpoints.answer
            return endpoints.refused(call, endpoints.request_id(headers), exc, started)
        if body is None:
            return None
        waiting = _Waiting()
        endpoints.answer(call, headers, body, waiting)
        if not waiting.answer.done():
            leaving = asyncio.create_task(_left(receive))
            leaving.add_done_callback(waiting.leave)
            waiting.answer.add_done_callback(lambda _: leaving.cancel())
        return await waiting.answer


class _Waiting:
    """A task that waits for its answer, or for None once the client has left."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()

    @property
    def disconnected(self) -> bool:
        """Whether nobody waits any more."""
        return self.answer.done()

    def send(self, answer: Answer) -> None:
        if not self.answer.done():
            self.answer.set_result(answer)

    def leave(self, leaving: asyncio.Task[None]) -> None:
        if not leaving.cancelled() and not self.answer.done():
            self.answer.set_result(None)


def _is_preflight(scope: Scope) -> bool:
    """Whether a browser asks what a page may ask."""
    wish = b"access-control-request-method"
    return scope["method"] == "OPTIONS" and any(name == wish for name, _ in scope["headers"])


async def _left(receive: Receive) -> None:
    """Return when the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
