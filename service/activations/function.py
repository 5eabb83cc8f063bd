"""One activation function: what it computes and what is known about it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from service.errors import LISTED_PROBLEMS, InvalidInput, Problem
from service.nearest import did_you_mean, listed

Array = npt.NDArray[np.float64]
Formula = Callable[..., Array]
# The largest and the smallest scale that a parameter may have.
LARGE = 1e6
SMALL = 1e-6

# Where a function or its derivative may jump, of its parameters by keyword.
Places = Callable[..., tuple[float, ...]]

Saturation = Literal["no", "left", "right", "both"]


def nowhere(**_parameters: float) -> tuple[float, ...]:
    return ()


@dataclass(frozen=True)
class Parameter:
    """A setting of an activation function, under PyTorch's name and with its default."""

    name: str
    default: float
    minimum: float
    maximum: float
    meaning: str


@dataclass(frozen=True)
class LargestDerivative:
    """The supremum of the derivative; `at` is one point where it is attained, if any is."""

    value: float
    at: float | None
    where: str


@dataclass(frozen=True)
class ActivationFunction:
    """An activation function; the properties hold for the default parameters.

    `value` and `derivative` take an array of any shape and every parameter by keyword,
    and return an array of that shape; `bends` are the places where one of them may jump.
    `constants` are numbers that the formulas name and nobody chooses.
    """

    name: str
    formula: str
    derivative_formula: str
    value: Formula
    derivative: Formula
    range: str
    monotonic: bool
    zero_centred: bool
    saturates: Saturation
    largest_derivative: LargestDerivative
    parameters: tuple[Parameter, ...] = ()
    bounds: tuple[float, float] | None = None
    note: str = ""
    bends: Places = nowhere
    constants: tuple[tuple[str, float], ...] = ()

    def with_defaults(self, given: Mapping[str, float]) -> dict[str, float]:
        """Every parameter's value: the given one, or else the default.

        Raises InvalidInput for an unknown parameter or a value outside its bounds.
        """
        known = {parameter.name: parameter for parameter in self.parameters}
        wrong = [
            name
            for name, value in given.items()
            if name not in known or not known[name].minimum <= value <= known[name].maximum
        ]
        if wrong:
            # A body may have thousands of them.
            problems = [self._problem(name, given[name], known) for name in wrong[:LISTED_PROBLEMS]]
            raise InvalidInput(f"the parameters do not fit {self.name}", problems, total=len(wrong))
        used = {name: float(given.get(name, p.default)) for name, p in known.items()}
        if "min_val" in used and used["min_val"] >= used["max_val"]:
            raise InvalidInput(
                f"min_val: expected less than max_val = {used['max_val']:g}, "
                f"got {used['min_val']:g}"
            )
        return used

    def _problem(self, name: str, value: float, known: Mapping[str, Parameter]) -> Problem:
        if name not in known:
            return Problem(
                f'unknown parameter "{name[:64]}"; {self.name} has: {listed(known)}'
                f"{did_you_mean(name, known)}"
            )
        lowest, highest = known[name].minimum, known[name].maximum
        return Problem(f"{name}: expected a number from {lowest:g} to {highest:g}, got {value!r}")


@dataclass(frozen=True)
class Evaluation:
    """Values and derivatives of one function at the points `x`, each of shape (n,)."""

    parameters: dict[str, float]
    x: Array
    y: Array
    derivative: Array


def evaluate(function: ActivationFunction, x: Array, parameters: Mapping[str, float]) -> Evaluation:
    """Value and derivative at every point of `x`, shape (n,).

    Raises InvalidInput for a parameter that does not fit and for a result beyond float64.
    """
    used = function.with_defaults(parameters)
    with np.errstate(over="ignore"):
        y = function.value(x, **used)
        derivative = function.derivative(x, **used)
    beyond = np.flatnonzero(~(np.isfinite(y) & np.isfinite(derivative)))
    if beyond.size:
        problems = [
            Problem(f"the result at x = {x[i]!r} is beyond float64", row=int(i)) for i in beyond
        ]
        raise InvalidInput(f"{function.name} overflows with these parameters", problems)
    return Evaluation(used, x, y, derivative)
