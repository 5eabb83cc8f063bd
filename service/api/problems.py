"""What an error becomes in HTTP: the one table from error to status, and the two bodies."""

from collections.abc import Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from service import errors
from service.api.calls import find
from service.api.paths import Paths
from service.codecs.json_body import describe

# Looked up along the error's classes, nearest first. A StartupError never meets a request.
STATUS: Mapping[type[errors.ServiceError], tuple[int, str]] = {
    errors.MalformedBody: (400, "malformed-body"),
    errors.MalformedRequest: (400, "malformed-request"),
    errors.NotFound: (404, "not-found"),
    errors.BodyTooLarge: (413, "body-too-large"),
    errors.TooManyRows: (413, "too-many-rows"),
    errors.UnsupportedContentType: (415, "unsupported-content-type"),
    errors.InvalidInput: (422, "invalid-input"),
    errors.HeadTooLarge: (431, "head-too-large"),
    errors.UnsupportedRequest: (501, "unsupported-request"),
    errors.Overloaded: (503, "overloaded"),
    errors.NotReady: (503, "not-ready"),
    errors.TrialUnfinished: (503, "not-ready"),
    errors.BrokenVersion: (503, "broken-version"),
    errors.RunFailed: (500, "run-failed"),
    errors.RunTooLong: (504, "run-too-long"),
}
RETRY_AFTER_S = 1
_VERBS = (":predict", ":evaluate")
_QUERY_WORDS = {"float_parsing": "a number", "int_parsing": "a whole number"}
_UNEXPECTED_KIND = "internal-error"
_UNEXPECTED = "the service failed; its log has the cause under this request's id"
# The body of the answer to a failure in making any other one; % puts in the request's id.
LAST_RESORT = (
    b'{"type":"urn:mlpserve:problem:internal-error","title":"Internal Server Error","status":500,'
    b'"detail":"%b","request_id":"%%b"}'
) % _UNEXPECTED.encode()


def install(app: FastAPI, paths: Paths) -> None:
    """Make every error that reaches the framework a problem answer."""
    app.add_exception_handler(errors.ServiceError, _service_error)
    app.add_exception_handler(HTTPException, partial(_http_exception, paths))
    app.add_exception_handler(RequestValidationError, _invalid_query)


def status_of(error: errors.ServiceError) -> tuple[int, str]:
    """The status and the short name of an error's kind."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def kind_of(error: Exception) -> str:
    """The short name of the problem that an error becomes."""
    return status_of(error)[1] if isinstance(error, errors.ServiceError) else _UNEXPECTED_KIND


def unexpected(path: str, request_id: str) -> Response:
    """The answer to a failure that nobody foresaw."""
    return _answer(path, request_id, 500, _UNEXPECTED_KIND, _UNEXPECTED)


def wrong_method(path: str, request_id: str, *, method: str, allowed: str) -> Response:
    """The answer to a method that the path does not have."""
    detail = f"expected {allowed.replace(', ', ' or ')}, got {method}{_way_on(path, method)}"
    return _answer(path, request_id, 405, "method-not-allowed", detail, headers={"Allow": allowed})


def _way_on(path: str, method: str) -> str:
    """How to ask what may have been meant by a wrong method."""
    if (call := find(path)) is not None:
        body = '{"x": [...]}' if call.verb == ":evaluate" else '{"instances": [...]}'
        return f"; with curl: -H 'content-type: application/json' -d '{body}'"
    if method == "POST":
        posted = next((path + verb for verb in _VERBS if find(path + verb)), None)
        return "" if posted is None else f"; a POST goes to {posted}"
    return ""


def explained(error: errors.ServiceError, path: str, request_id: str) -> Response:
    """What an error becomes."""
    status, kind = status_of(error)
    extra: dict[str, Any] = {}
    if isinstance(error, errors.InvalidInput):
        extra = _listed(error.problems, error.total)
    headers = {"Retry-After": str(RETRY_AFTER_S)} if status == 503 else {}
    if isinstance(error, errors.UnsupportedContentCoding):
        headers["Accept-Encoding"] = "gzip"
    # The rest of an unread body would be taken for the next request.
    if isinstance(error, (errors.BodyTooLarge, errors.TooManyBodies)):
        headers["Connection"] = "close"
    return _answer(path, request_id, status, kind, str(error), extra, headers)


async def _service_error(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, errors.ServiceError)
    return explained(exc, *_place(request))


async def _http_exception(paths: Paths, request: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)
    kind = HTTPStatus(exc.status_code).phrase.lower().replace(" ", "-")
    if exc.status_code == 404:
        meant = paths.meant(request.url.path)
        detail = (
            f"there is nothing at this path; {request.url_for('openapi').path} lists the paths"
            f"{'' if meant is None else f'; did you mean {meant}?'}"
        )
    elif exc.status_code == 405:
        allowed = (exc.headers or {}).get("Allow", "another method")
        allowed = allowed.replace("GET", "GET, HEAD")
        return wrong_method(*_place(request), method=request.method, allowed=allowed)
    else:
        detail = str(exc.detail)
    return _answer(*_place(request), exc.status_code, kind, detail, headers=exc.headers)


async def _invalid_query(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, RequestValidationError)
    problems = [
        errors.Problem(
            f"{error['loc'][-1]}: expected {_expected(error)}, got {describe(error['input'])}"
        )
        for error in exc.errors()
    ]
    return explained(unfit_query(problems), *_place(request))


def unfit_query(problems: Sequence[errors.Problem]) -> errors.InvalidInput:
    """What is said of a query: its problem, or that there are several."""
    alone = len(problems) == 1
    return errors.InvalidInput(problems[0].message if alone else "the query does not fit", problems)


def _expected(error: Mapping[str, Any]) -> str:
    message: str = error["msg"].removeprefix("Input should be ")
    return _QUERY_WORDS.get(error["type"], message.replace("'", '"'))


def _place(request: Request) -> tuple[str, str]:
    return request.url.path, request.state.request_id


def _listed(problems: Sequence[errors.Problem], total: int) -> dict[str, Any]:
    items = [
        {
            key: value
            for key, value in (("row", p.row), ("feature", p.feature), ("message", p.message))
            if value is not None
        }
        for p in problems
    ]
    return {"errors": items, "error_count": total}


def _answer(
    path: str,
    request_id: str,
    status: int,
    kind: str,
    detail: str,
    extra: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    if path.startswith("/v2"):
        # That protocol's servers answer 400 to what /v1 calls 422.
        body = orjson.dumps({"error": detail, **(extra or {})})
        shown = 400 if status == 422 else status
        return Response(body, shown, headers, media_type="application/json")
    problem = {
        "type": f"urn:mlpserve:problem:{kind}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "request_id": request_id,
        **(extra or {}),
    }
    return Response(orjson.dumps(problem), status, headers, media_type="application/problem+json")
