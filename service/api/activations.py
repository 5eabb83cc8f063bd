"""/v1/activations: the activation functions, their values and their curves."""

from collections.abc import Sequence
from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from service.activations.curve import points
from service.activations.function import ActivationFunction, evaluate
from service.activations.picture import draw
from service.activations.table import TABLE, find
from service.api import bodies
from service.api.problems import unfit_query
from service.api.requests import prefers
from service.codecs.json_activation import (
    decode_evaluate,
    encode_evaluation,
    encode_function,
    encode_functions,
)
from service.codecs.json_body import describe
from service.errors import LISTED_PROBLEMS, Problem
from service.nearest import did_you_mean, listed

_FUNCTION = "/{function:segment}"
_RANGE_KEYS = ("start", "stop", "step", "format")
_CURVE_DOCUMENTATION = {
    200: {
        "model": bodies.EvaluateAnswer,
        "content": {"image/svg+xml": {"schema": {"type": "string"}}},
        "description": "Points, or with format=svg (or Accept: image/svg+xml) the picture",
    },
    **bodies.problems(404, 413, 422),
}

Number = Annotated[float, Query(allow_inf_nan=False)]


def activations_router(*, row_limit: int) -> APIRouter:
    """The endpoints under /v1/activations."""
    router = APIRouter(prefix="/v1/activations", tags=["activation functions"])

    @router.get("", responses={200: {"model": bodies.ActivationsAnswer}})
    async def list_activation_functions() -> Response:
        """The activation functions known here."""
        return _json(encode_functions(TABLE))

    @router.get(
        _FUNCTION, responses={200: {"model": bodies.ActivationAnswer}, **bodies.problems(404)}
    )
    async def get_activation_function(function: str) -> Response:
        """Formula, derivative, range, properties, parameters and their defaults."""
        return _json(orjson.dumps(encode_function(find(function))))

    @router.get(_FUNCTION + "/curve", responses=_CURVE_DOCUMENTATION)
    async def get_activation_curve(
        request: Request,
        function: str,
        start: Number = -8.0,
        stop: Number = 8.0,
        step: Number = 0.1,
        picture: Annotated[Literal["json", "svg"] | None, Query(alias="format")] = None,
    ) -> Response:
        """The curve and its derivative; a function's parameters are query parameters too."""
        found = find(function)
        x = points(start, stop, step, limit=row_limit)
        curve = evaluate(found, x, _parameters(request, found))
        if picture == "svg" or (picture is None and prefers(request, "image/svg+xml")):
            return Response(draw(found, curve), media_type="image/svg+xml")
        return _json(encode_evaluation(found, curve))

    return router


class EvaluationHandler:
    """Values and derivatives at the points of a request."""

    def __init__(self, *, row_limit: int) -> None:
        self._row_limit = row_limit

    def evaluate(self, name: str, _version: str | None, body: bytes) -> bytes:
        """The evaluation of the function of that name. Raises ServiceError."""
        found = find(name)
        asked = decode_evaluate(body, limit=self._row_limit)
        return encode_evaluation(found, evaluate(found, asked.x, asked.parameters))


def _parameters(request: Request, function: ActivationFunction) -> dict[str, float]:
    """The function's parameters in a query. Raises InvalidInput for what is none of it."""
    given = [(k, v) for k, v in request.query_params.items() if k not in _RANGE_KEYS]
    known = [parameter.name for parameter in function.parameters]
    numbers, problems = {}, []
    # As many are told of, and a query may have thousands.
    for name, text in given[:LISTED_PROBLEMS]:
        if name not in known:
            problems.append(Problem(_unknown(name, function.name, known)))
            continue
        try:
            numbers[name] = float(text)
        except ValueError:
            problems.append(Problem(f"{name}: expected a number, got {describe(text)}"))
    if problems:
        raise unfit_query(problems)
    return numbers


def _unknown(name: str, function: str, known: Sequence[str]) -> str:
    there = ", ".join(_RANGE_KEYS) + (f", and {function}'s {listed(known)}" if known else "")
    meant = did_you_mean(name, (*_RANGE_KEYS, *known))
    return f"unknown query parameter {describe(name)}; there are: {there}{meant}"


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")
