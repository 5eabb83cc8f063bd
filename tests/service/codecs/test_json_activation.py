"""Points and parameters of activation functions."""

import json

import numpy as np
import pytest

from service.activations.function import evaluate
from service.activations.table import TABLE
from service.codecs.json_activation import decode_evaluate, encode_evaluation, encode_functions
from service.errors import InvalidInput, TooManyRows


def test_points_and_parameters_are_taken() -> None:
    request = decode_evaluate(b'{"x": [-1, 0.5], "parameters": {"beta": 2}}', limit=5)

    assert request.x.tolist() == [-1.0, 0.5]
    assert request.parameters == {"beta": 2}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{}", "x: expected a list of numbers, got null"),
        (b'{"x": 3}', "x: expected a list of numbers, got 3"),
        (b'{"x": [1, "a"]}', "x holds something that is not a number"),
        (b'{"x": [1, 1e400]}', "x holds a number that is too large"),
        (b'{"x": [1], "parameters": []}', "parameters: expected an object, got a list of 0"),
        (b'{"x": [1], "parameters": {"a": "b"}}', "a parameter is not a number"),
        (b'{"x": [1], "y": 1}', "expected only the keys x, parameters"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_body_that_does_not_fit_is_refused(body: bytes, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        decode_evaluate(body, limit=5)

    assert message in str(caught.value)


def test_points_beyond_the_limit_are_refused() -> None:
    with pytest.raises(TooManyRows, match="expected at most 2 points in a request, got 3"):
        decode_evaluate(b'{"x": [1, 2, 3]}', limit=2)


def test_numbers_keep_every_digit() -> None:
    function = TABLE["tanh"]
    evaluation = evaluate(function, np.array([0.1, 1e-300]), {})

    answer = json.loads(encode_evaluation(function, evaluation))

    assert answer["y"] == evaluation.y.tolist()
    assert answer["derivative"] == evaluation.derivative.tolist()


def test_list_of_functions_is_plain_json() -> None:
    functions = json.loads(encode_functions(TABLE))["activations"]

    assert [function["name"] for function in functions] == list(TABLE)
    assert functions[1]["parameters"][0]["default"] == 0.01
