"""The paths that are answered before the framework: see `calls.find`.

A request for one of them goes handler -> codec -> scheduler -> codec, and FastAPI never sees it. A
handler answers with bytes, or with a run that the scheduler places; the answer is told to whoever
sends it, now or later, so that a request needs no task of its own.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import NamedTuple, Protocol

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope
from starlette.types import Send as AsgiSend

from service.api import problems
from service.api.calls import Call, Headers, find
from service.api.in_flight import BodiesInFlight, read_body
from service.api.metrics import Metrics
from service.api.middleware.request_id import RequestIds
from service.api.requests import check_media_type
from service.errors import ServiceError
from service.inference.features import Features, Floats
from service.inference.scheduler import Scheduler

_JSON, _PROBLEM = b"application/json", b"application/problem+json"
_log = logging.getLogger(__name__)


class Run(NamedTuple):
    """Rows for a version's scheduler, and what makes its outputs an answer."""

    scheduler: Scheduler
    features: Features
    outputs: Sequence[str]
    encode: Callable[[list[Floats]], bytes]


# Of the path's name, its version if it has one, and the body.
Handler = Callable[[str, str | None, bytes], bytes | Run]


class Answer(NamedTuple):
    """A whole answer; `headers` are those besides its media type, length and request id.

    The connection ends with the `last` one.
    """

    status: int
    media_type: bytes
    request_id: bytes
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()
    last: bool = False


class Recipient(Protocol):
    """Who waits for an answer; nothing is done any more for one that has disconnected."""

    @property
    def disconnected(self) -> bool:
        """Whether the client has left."""

    def send(self, answer: Answer) -> None:
        """Take the answer. Called once at most."""


class DirectEndpoints:
    """The handlers behind the direct paths, by verb, and all that an answer of theirs needs."""

    def __init__(
        self,
        handlers: Mapping[str, Handler],
        *,
        ids: RequestIds,
        metrics: Metrics,
        body_limit_bytes: int,
        bodies: BodiesInFlight,
    ) -> None:
        self._handlers = handlers
        self._ids = ids
        self._metrics = metrics
        self.body_limit_bytes = body_limit_bytes
        self.bodies = bodies

    def answer(self, call: Call, headers: Headers, body: bytes, to: Recipient) -> None:
        """Run a call and send its answer once, now or later; whatever goes wrong is in it."""
        started = time.perf_counter()
        request_id = self.request_id(headers)
        try:
            check_media_type(headers.get(b"content-type", b""), headers.get(b"content-encoding"))
            result = self._handlers[call.verb](call.name, call.version, body)
            if isinstance(result, Run):
                finish = partial(self._finish, call, request_id, started, to, result.encode)
                result.scheduler.submit(result.features, result.outputs, finish)
                return
            answer = self._answered(call, request_id, result, started)
        except Exception as exc:  # noqa: BLE001 - what is not expected becomes a 500
            answer = self.refused(call, request_id, exc, started)
        to.send(answer)

    def request_id(self, headers: Headers) -> str:
        """The id of a request with these headers."""
        return self._ids.of(headers.get(b"x-request-id", b"").decode("latin-1"))

    def refused(self, call: Call, request_id: str, error: Exception, started: float) -> Answer:
        """The answer to a call that failed. Raises nothing."""
        try:
            if isinstance(error, ServiceError):
                response = problems.explained(error, call.path, request_id)
                return self.responded(call, request_id, response, started)
        except Exception as exc:  # noqa: BLE001 - somebody waits, whatever happens
            exc.__context__ = error
            error = exc
        return self._failed(call, request_id, error, started)

    def responded(self, call: Call, request_id: str, response: Response, started: float) -> Answer:
        """A response made with the framework's means as an answer."""
        known = (b"content-type", b"content-length", b"connection")
        answer = Answer(
            response.status_code,
            response.headers["content-type"].encode("latin-1"),
            request_id.encode(),
            bytes(response.body),
            tuple(header for header in response.raw_headers if header[0] not in known),
            last=response.headers.get("connection") == "close",
        )
        self._metrics.count_request(call.verb, response.status_code, time.perf_counter() - started)
        return answer

    def _failed(self, call: Call, request_id: str, error: Exception, started: float) -> Answer:
        """The last answer: made of what is there already, so that it cannot fail as well."""
        with suppress(Exception):
            _log.error("request %s failed", request_id, exc_info=error)
        with suppress(Exception):
            self._metrics.count_request(call.verb, 500, time.perf_counter() - started)
        sent_id = request_id.encode()
        return Answer(500, _PROBLEM, sent_id, problems.LAST_RESORT % sent_id, last=True)

    def _finish(
        self,
        call: Call,
        request_id: str,
        started: float,
        to: Recipient,
        encode: Callable[[list[Floats]], bytes],
        outputs: list[Floats] | Exception,
    ) -> None:
        if to.disconnected:
            return
        try:
            if isinstance(outputs, Exception):
                raise outputs
            answer = self._answered(call, request_id, encode(outputs), started)
        except Exception as exc:  # noqa: BLE001 - as in answer
            answer = self.refused(call, request_id, exc, started)
        to.send(answer)

    def _answered(self, call: Call, request_id: str, body: bytes, started: float) -> Answer:
        self._metrics.count_request(call.verb, 200, time.perf_counter() - started)
        return Answer(200, _JSON, request_id.encode(), body)


class Direct:
    """ASGI: answers direct paths itself and hands every other one to the framework."""

    def __init__(self, app: ASGIApp, endpoints: DirectEndpoints) -> None:
        self.app = app
        self.endpoints = endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: AsgiSend) -> None:
        call = find(scope["path"]) if scope["type"] == "http" else None
        if call is None:
            await self.app(scope, receive, send)
            return
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
        return await waiting.answer


class _Waiting:
    """A task that waits for its answer."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

    @property
    def disconnected(self) -> bool:
        """Whether the task has been cancelled."""
        return self.answer.done()

    def send(self, answer: Answer) -> None:
        if not self.answer.done():
            self.answer.set_result(answer)
