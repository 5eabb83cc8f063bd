"""An axis of a picture: from numbers to places, with round numbers at its ends and between."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from service.activations.function import Array

_ROUND = (1.0, 2.0, 2.5, 5.0, 10.0, 20.0, 25.0)
_FEWEST, _MOST = 4, 10
# Below this share of the numbers themselves, their differences are rounding errors.
_LEAST_SHARE = 1e-9


@dataclass(frozen=True)
class Tick:
    """A number on the axis, and how it is written there."""

    value: float
    label: str


class Axis:
    """A linear map of numbers from `low` to `high`, or a little beyond, to `start` to `end`.

    It begins and ends at a tick: of the round steps that give 4 to 10 of them, it takes the one
    that leaves least room beside the numbers.
    """

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        size = max(abs(low), abs(high))
        if not high - low > max(_LEAST_SHARE * size, 1e-290):
            low, high = low - 0.5 * max(1.0, size), high + 0.5 * max(1.0, size)
        self._step, self._first, self._last = min(_scales(low, high), key=_waste)
        self._start, self._end = start, end

    def place(self, values: Array) -> Array:
        """Where these numbers are in the picture."""
        share = (values / self._step - self._first) / (self._last - self._first)
        return np.asarray(self._start + share * (self._end - self._start))

    def ticks(self) -> list[Tick]:
        """The round numbers, the lowest first."""
        numbers = range(self._first, self._last + 1)
        return [Tick(n * self._step, _label(n * self._step, self._step)) for n in numbers]


# A step, and how many of it the first and the last tick are.
_Scale = tuple[float, int, int]


def _scales(low: float, high: float) -> Iterator[_Scale]:
    power = 10.0 ** math.floor(math.log10((high - low) / _MOST))
    for step in (number * power for number in _ROUND):
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        if _FEWEST <= last - first <= _MOST + 2:
            yield step, first, last


def _waste(scale: _Scale) -> tuple[float, float]:
    """The width of the axis, to 9 digits; of equally wide ones the fewest ticks."""
    step, first, last = scale
    return float(f"{step * (last - first):.9g}"), -step


def _label(value: float, step: float) -> str:
    digits = max(6, 2 + math.ceil(math.log10(max(abs(value) / step, 1.0))))
    written = f"{value:.{digits}g}".replace("e+0", "e").replace("e+", "e")
    return written.replace("-", "\N{MINUS SIGN}")
