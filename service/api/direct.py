"""The paths that are answered before the framework: see `calls.find`.

A request for one of them goes handler -> codec -> scheduler -> codec, and FastAPI never sees it. A
handler answers with bytes, or with a run that the scheduler places; the answer is told to whoever
sends it, now or later, so that a request needs no task of its own.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import NamedTuple, Protocol

from starlette.responses import Response

from service.api import problems
from service.api.beside import Beside
from service.api.calls import Call, Headers
from service.api.in_flight import BodiesInFlight, HeldBody
from service.api.metrics import Metrics
from service.api.middleware.request_id import RequestIds
from service.api.requests import check_media_type
from service.api.tally import Tally
from service.codecs.json_numbers import KEPT_BYTES
from service.errors import ServiceError
from service.inference.features import Features, Floats
from service.inference.predictor import Predictor

# Half a megabyte of any JSON is decoded, or refused, in a few milliseconds (docs/decisions/0031);
# of a longer body a parser is made on the thread.
LONG_BYTES = KEPT_BYTES
# As many are written in about as long.
_MANY_NUMBERS = 50_000
_JSON, _PROBLEM = b"application/json", b"application/problem+json"
_log = logging.getLogger(__name__)


class Run(NamedTuple):
    """Rows for a version, and what makes its outputs an answer.

    `written` is what an answer holds besides the outputs, as so many numbers.
    """

    predictor: Predictor
    features: Features
    outputs: Sequence[str]
    encode: Callable[[list[Floats]], bytes]
    written: int = 0


# Of the path's name, its version if it has one, and the body. Called on the event loop, or on a
# thread for a long body, as is a run's `encode` for many outputs.
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
        tally: Tally,
    ) -> None:
        self._handlers = handlers
        self._ids = ids
        self._metrics = metrics
        self.body_limit_bytes = body_limit_bytes
        self.bodies = bodies
        self._tally = tally
        self._decoding = Beside[bytes | Run]("long bodies")
        self._encoding = Beside[bytes]("long answers")

    def answer(self, call: Call, headers: Headers, body: bytes, to: Recipient) -> None:
        """Run a call and send its answer once, now or later; whatever goes wrong is in it."""
        started = time.perf_counter()
        request_id = self.request_id(headers)
        try:
            check_media_type(headers.get(b"content-type", b""), headers.get(b"content-encoding"))
            handler = self._handlers[call.verb]
            if len(body) > LONG_BYTES:
                self._decode_beside(call, request_id, started, to, handler, body)
                return
            result = handler(call.name, call.version, body)
            if isinstance(result, Run):
                self._start(call, request_id, started, to, result)
                return
            answer = self._answered(call, request_id, result, started)
        except Exception as exc:  # noqa: BLE001 - what is not expected becomes a 500
            answer = self.refused(call, request_id, exc, started)
        to.send(answer)

    def count_refused(self, problem: str) -> None:
        """Count a request that never became a call, by the kind of its problem."""
        self._metrics.count_refused(problem)

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

    def _decode_beside(
        self,
        call: Call,
        request_id: str,
        started: float,
        to: Recipient,
        handler: Handler,
        body: bytes,
    ) -> None:
        held = HeldBody(self.bodies)
        held.grow_to(len(body))
        try:
            self._decoding.do(
                partial(handler, call.name, call.version, body),
                partial(self._decoded, call, request_id, started, to, held),
                is_wanted=lambda: not to.disconnected,
            )
        except BaseException:
            held.release()
            raise

    def _encode_beside(
        self,
        call: Call,
        request_id: str,
        started: float,
        to: Recipient,
        encode: Callable[[], bytes],
    ) -> None:
        self._encoding.do(
            encode,
            partial(self._tell, call, request_id, started, to),
            is_wanted=lambda: not to.disconnected,
        )

    def _decoded(
        self,
        call: Call,
        request_id: str,
        started: float,
        to: Recipient,
        held: HeldBody,
        result: bytes | Run | Exception,
    ) -> None:
        held.release()
        if not isinstance(result, Run):
            self._tell(call, request_id, started, to, result)
        elif not to.disconnected:
            try:
                self._start(call, request_id, started, to, result)
            except Exception as exc:  # noqa: BLE001 - as in answer
                self._tell(call, request_id, started, to, exc)

    def _start(self, call: Call, request_id: str, started: float, to: Recipient, run: Run) -> None:
        self._tally.add(run.predictor, run.features)
        finish = partial(self._finish, call, request_id, started, to, run)
        run.predictor.scheduler.submit(run.features, run.outputs, finish)

    def _finish(
        self,
        call: Call,
        request_id: str,
        started: float,
        to: Recipient,
        run: Run,
        outputs: list[Floats] | Exception,
    ) -> None:
        if to.disconnected:
            return
        try:
            if isinstance(outputs, Exception):
                raise outputs
            if run.written + outputs[0].size > _MANY_NUMBERS or (
                len(outputs) > 1 and _are_many(outputs)
            ):
                self._encode_beside(call, request_id, started, to, partial(run.encode, outputs))
                return
            answer = self._answered(call, request_id, run.encode(outputs), started)
        except Exception as exc:  # noqa: BLE001 - as in answer
            answer = self.refused(call, request_id, exc, started)
        to.send(answer)

    def _tell(
        self, call: Call, request_id: str, started: float, to: Recipient, body: bytes | Exception
    ) -> None:
        if to.disconnected:
            return
        try:
            if isinstance(body, Exception):
                raise body
            answer = self._answered(call, request_id, body, started)
        except Exception as exc:  # noqa: BLE001 - as in answer
            answer = self.refused(call, request_id, exc, started)
        to.send(answer)

    def _answered(self, call: Call, request_id: str, body: bytes, started: float) -> Answer:
        self._metrics.count_request(call.verb, 200, time.perf_counter() - started)
        return Answer(200, _JSON, request_id.encode(), body)


def _are_many(outputs: list[Floats]) -> bool:
    """Whether to write so many numbers as text takes long."""
    return sum(output.size for output in outputs) > _MANY_NUMBERS
