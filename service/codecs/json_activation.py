"""Activation functions over JSON: points in, values and derivatives out."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import orjson

from service.activations.function import ActivationFunction, Array, Evaluation
from service.codecs.json_body import (
    Problems,
    are_numbers,
    describe,
    is_number,
    parse_object,
    refuse_unknown_keys,
)
from service.codecs.json_size import refuse_oversized_points
from service.errors import LISTED_PROBLEMS, InvalidInput, Problem, TooManyRows

KEYS = ("x", "parameters")
EXPECTED = '{"x": [...]}'


@dataclass(frozen=True)
class EvaluateRequest:
    """Points, (n,), and the parameters that were given."""

    x: Array
    parameters: Mapping[str, float]


def decode_evaluate(body: bytes, *, limit: int) -> EvaluateRequest:
    """Decode an evaluate body. Raises MalformedBody, InvalidInput and TooManyRows."""
    refuse_oversized_points(body, limit=limit, check_keys=_check_keys, expected=EXPECTED)
    content = parse_object(body, EXPECTED)
    _check_keys(content)
    return EvaluateRequest(
        _points(content.get("x"), limit), _parameters(content.get("parameters", {}))
    )


def encode_evaluation(function: ActivationFunction, evaluation: Evaluation) -> bytes:
    """The answer body; numbers as short as float64 allows."""
    answer: dict[str, object] = {
        "name": function.name,
        "parameters": evaluation.parameters,
        "x": evaluation.x,
        "y": evaluation.y,
        "derivative": evaluation.derivative,
    }
    return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)


def encode_function(function: ActivationFunction) -> dict[str, object]:
    """What is known of a function, ready for JSON."""
    return {
        "name": function.name,
        "formula": function.formula,
        "derivative": function.derivative_formula,
        "range": function.range,
        "monotonic": function.monotonic,
        "zero_centred": function.zero_centred,
        "saturates": function.saturates,
        "largest_derivative": function.largest_derivative,
        "parameters": function.parameters,
        "note": function.note,
    }


def encode_functions(functions: Mapping[str, ActivationFunction]) -> bytes:
    """The list of functions."""
    return orjson.dumps({"activations": [encode_function(f) for f in functions.values()]})


def _check_keys(keys: Collection[str]) -> None:
    refuse_unknown_keys(keys, KEYS, ("x",))


def _points(x: object, limit: int) -> Array:
    if not isinstance(x, list):
        raise InvalidInput(f"x: expected a list of numbers, got {describe(x)}")
    if len(x) > limit:
        raise TooManyRows(f"expected at most {limit} points in a request, got {len(x)}")
    if not are_numbers(x):
        wrong = [number for number, value in enumerate(x) if not is_number(value)]
        problems = [
            Problem(f"expected a number, got {describe(x[number])}", row=number)
            for number in wrong[:LISTED_PROBLEMS]
        ]
        raise InvalidInput("x holds something that is not a number", problems, total=len(wrong))
    points = np.array(x, dtype=np.float64)
    outside = np.flatnonzero(~np.isfinite(points))
    if outside.size:
        problems = [
            Problem("expected a number within float64", row=int(number))
            for number in outside[:LISTED_PROBLEMS]
        ]
        raise InvalidInput("x holds a number that is too large", problems, total=outside.size)
    return points


def _parameters(value: object) -> dict[str, float]:
    if not isinstance(value, dict):
        raise InvalidInput(f"parameters: expected an object, got {describe(value)}")
    wrong = Problems()
    for name, given in value.items():
        if not is_number(given):
            wrong.add("{}: expected a number, got {}", name, given)
    wrong.raise_any("a parameter is not a number")
    return value
