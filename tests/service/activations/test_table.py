"""What the table says of each function, held against the function itself."""

import re

import numpy as np
import pytest

from service.activations.function import ActivationFunction, evaluate
from service.activations.table import TABLE, find
from service.errors import LISTED_PROBLEMS, FunctionNotFound, InvalidInput

FUNCTIONS = [pytest.param(function, id=name) for name, function in TABLE.items()]
X = np.unique(np.concatenate([np.linspace(-60, 60, 24001), np.linspace(-1e4, 1e4, 2001)]))
KINKS = {
    "relu": [(0.0, 0.0)],
    "leaky_relu": [(0.0, 0.01)],
    "relu6": [(0.0, 0.0), (6.0, 0.0)],
    "prelu": [(0.0, 0.25)],
    "elu": [(0.0, 1.0)],
    "celu": [(0.0, 1.0)],
    "selu": [(0.0, 1.7580993408473766)],
    "hardsigmoid": [(-3.0, 0.0), (3.0, 0.0)],
    "hardswish": [(-3.0, 0.0), (3.0, 1.0)],
    "hardtanh": [(-1.0, 0.0), (1.0, 0.0)],
    "softshrink": [(-0.5, 0.0), (0.5, 0.0)],
    "hardshrink": [(-0.5, 0.0), (0.5, 0.0)],
}


def test_table_has_every_function_of_the_contract() -> None:
    assert len(TABLE) == 22
    assert all(name == function.name for name, function in TABLE.items())


@pytest.mark.parametrize(
    ("name", "x", "expected"),
    [(name, x, slope) for name, kinks in KINKS.items() for x, slope in kinks],
)
def test_derivative_at_a_kink_is_pytorchs(name: str, x: float, expected: float) -> None:
    evaluation = evaluate(TABLE[name], np.array([x]), {})

    assert evaluation.derivative[0] == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_largest_derivative_is_the_largest_one_found(function: ActivationFunction) -> None:
    stated = function.largest_derivative

    found = evaluate(function, X, {}).derivative

    assert found.max() <= stated.value * (1 + 1e-15)
    assert found.max() == pytest.approx(stated.value, abs=2e-3)
    if stated.at is not None:
        at = evaluate(function, np.array([stated.at]), {}).derivative[0]
        assert at == pytest.approx(stated.value, rel=1e-12)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_range_holds_every_value(function: ActivationFunction) -> None:
    numbers = [float(n) for n in re.findall(r"-?(?:inf|\d+(?:\.\d+)?)", function.range)]

    y = evaluate(function, X, {}).y

    assert y.min() >= numbers[0] - 1e-15
    assert y.max() <= numbers[-1] + 1e-15
    if np.isfinite(numbers[0]):
        assert y.min() == pytest.approx(numbers[0], abs=1e-3)
    if np.isfinite(numbers[-1]):
        assert y.max() == pytest.approx(numbers[-1], abs=1e-3)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_monotonic_is_said_of_functions_that_never_fall(function: ActivationFunction) -> None:
    derivative = evaluate(function, X, {}).derivative

    assert function.monotonic == bool((derivative >= 0).all())


@pytest.mark.parametrize("function", FUNCTIONS)
def test_zero_centred_is_said_of_odd_functions(function: ActivationFunction) -> None:
    y, mirrored = evaluate(function, X, {}).y, evaluate(function, -X, {}).y

    assert function.zero_centred == bool(np.allclose(y, -mirrored, atol=1e-12))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_saturates_names_the_sides_where_the_derivative_vanishes(
    function: ActivationFunction,
) -> None:
    left, right = evaluate(function, np.array([-1e4, 1e4]), {}).derivative

    sides = {(True, True): "both", (True, False): "left", (False, True): "right"}
    expected = sides.get((left < 1e-6, right < 1e-6), "no")
    assert function.saturates == expected


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_finite_point_gives_nan(function: ActivationFunction) -> None:
    x = np.array([-1e308, -5e-324, -0.0, 0.0, 5e-324, 1e308])

    evaluation = evaluate(function, x, {})

    assert np.isfinite(evaluation.y).all()
    assert np.isfinite(evaluation.derivative).all()


def test_unknown_function_is_named_with_those_that_there_are() -> None:
    with pytest.raises(
        FunctionNotFound, match=r"'rellu'; there are: relu, leaky_relu, .* more"
    ) as caught:
        find("rellu")

    assert str(caught.value).endswith('; did you mean "relu"?')


def test_unknown_parameter_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        evaluate(TABLE["softplus"], np.zeros(1), {"threshold": 20})

    assert caught.value.problems[0].message == 'unknown parameter "threshold"; softplus has: beta'


def test_parameter_that_is_mistyped_is_told_with_the_nearest() -> None:
    with pytest.raises(InvalidInput) as caught:
        evaluate(TABLE["hardtanh"], np.zeros(1), {"min-val": -2.0})

    assert caught.value.problems[0].message == (
        'unknown parameter "min-val"; hardtanh has: min_val, max_val; did you mean "min_val"?'
    )


def test_of_very_many_unknown_parameters_a_few_are_told() -> None:
    with pytest.raises(InvalidInput) as caught:
        evaluate(TABLE["elu"], np.zeros(1), {f"alpha{number}": 1.0 for number in range(1000)})

    assert (len(caught.value.problems), caught.value.total) == (LISTED_PROBLEMS, 1000)


def test_parameter_outside_its_bounds_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        evaluate(TABLE["celu"], np.zeros(1), {"alpha": 0.0})

    assert (
        caught.value.problems[0].message == "alpha: expected a number from 1e-06 to 1e+06, got 0.0"
    )


def test_crossed_bounds_of_hardtanh_are_refused() -> None:
    with pytest.raises(InvalidInput, match="min_val: expected less than max_val = 1, got 2"):
        evaluate(TABLE["hardtanh"], np.zeros(1), {"min_val": 2.0})


def test_result_beyond_float64_is_refused_with_its_place() -> None:
    with pytest.raises(InvalidInput) as caught:
        evaluate(TABLE["leaky_relu"], np.array([1.0, -1e308]), {"negative_slope": 100.0})

    assert caught.value.problems[0].row == 1
