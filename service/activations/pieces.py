"""A curve in pieces: lines that end where it jumps, and dots that say which end is its value."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from service.activations.function import Array


@dataclass(frozen=True)
class Line:
    """Points that belong together, (n,) each."""

    x: Array
    y: Array


@dataclass(frozen=True)
class Dot:
    """An end of a line: filled where the function has that value, open where it has another."""

    x: float
    y: float
    is_filled: bool


@dataclass(frozen=True)
class Pieces:
    """What is drawn of one curve."""

    lines: tuple[Line, ...]
    dots: tuple[Dot, ...]


def pieces(
    function: Callable[[Array], Array], x: Array, y: Array, bends: Sequence[float]
) -> Pieces:
    """The curve through (x, y), (n,) each, with `x` rising, in as many pieces as it has.

    It may jump at `bends` and nowhere else. Where it does not, the bend is a point of the line,
    which would otherwise cut a kink between two points.
    """
    lines, dots = [], []
    line, last = Line(np.empty(0), np.empty(0)), -np.inf
    for bend in sorted({bend for bend in bends if x[0] <= bend <= x[-1]}):
        ends = function(np.array([np.nextafter(bend, -np.inf), bend, np.nextafter(bend, np.inf)]))
        before, value, after = map(float, ends)
        line = _longer(line, Line(x, y), last, bend)
        line = _with_point(line, bend, before)
        if not np.allclose([before, after], value, rtol=1e-9, atol=1e-12):
            lines.append(line)
            sides = ((before, bend > x[0]), (after, bend < x[-1]))
            dots += _dots(bend, value, [y for y, is_shown in sides if is_shown])
            line = _with_point(Line(np.empty(0), np.empty(0)), bend, after)
        last = bend
    lines.append(_longer(line, Line(x, y), last, np.inf))
    if len(x) == 1 and not dots:
        dots.append(Dot(float(x[0]), float(y[0]), is_filled=True))
    return Pieces(tuple(line for line in lines if len(line.x) > 1), tuple(dots))


def _longer(line: Line, curve: Line, after: float, before: float) -> Line:
    """The line with those points of the curve that lie between two places."""
    between = (curve.x > after) & (curve.x < before)
    return Line(np.append(line.x, curve.x[between]), np.append(line.y, curve.y[between]))


def _with_point(line: Line, x: float, y: float) -> Line:
    return Line(np.append(line.x, x), np.append(line.y, y))


def _dots(x: float, value: float, sides: Sequence[float]) -> list[Dot]:
    others = sorted({side for side in sides if not np.isclose(side, value, rtol=1e-9, atol=1e-12)})
    return [*(Dot(x, y, is_filled=False) for y in others), Dot(x, value, is_filled=True)]
