"""The curve of an activation function: evenly spaced points, and their picture as SVG."""

from xml.sax.saxutils import escape

import numpy as np

from service.activations.function import ActivationFunction, Array, Evaluation
from service.errors import InvalidInput, Problem, TooManyRows

_WIDTH, _HEIGHT = 640, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 16, 56, 36


def points(start: float, stop: float, step: float, *, limit: int) -> Array:
    """start, start + step, ... up to stop, included where a step ends there.

    Raises InvalidInput for a range without points and TooManyRows above `limit` points.
    """
    if not step > 0:
        raise InvalidInput("the range has no points", [Problem(f"step: expected > 0, got {step}")])
    if stop < start:
        problem = Problem(f"stop: expected at least start = {start}, got {stop}")
        raise InvalidInput("the range has no points", [problem])
    steps = (stop - start) / step
    if not steps < limit:
        raise TooManyRows(f"expected at most {limit} points, got more: enlarge step")
    # A step such as 0.1 is not exact in binary: half a billionth of it is forgiven at the end.
    count = int(np.floor(steps * (1 + 1e-12) + 5e-10)) + 1
    return np.minimum(start + step * np.arange(count, dtype=np.float64), stop)


def draw(function: ActivationFunction, curve: Evaluation) -> str:
    """The picture, as an SVG document: the function and its derivative over the same axis."""
    low = float(min(curve.y.min(), curve.derivative.min(), 0.0))
    high = float(max(curve.y.max(), curve.derivative.max(), low + 1e-9))
    x_axis = _Axis(float(curve.x[0]), float(curve.x[-1]), _LEFT, _WIDTH - _RIGHT)
    y_axis = _Axis(low, high, _HEIGHT - _BOTTOM, _TOP)
    settings = ", ".join(f"{name} = {value:g}" for name, value in curve.parameters.items())
    title = f"{function.name}({settings})" if settings else function.name
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}"',
        'role="img" font-family="sans-serif" font-size="12">',
        f"<title>{escape(title)} and its derivative</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        f'<text x="{_LEFT}" y="22" font-size="15" font-weight="bold">{escape(title)}</text>',
        f'<text x="{_LEFT}" y="42" fill="#0b62a4">f(x) = {escape(function.formula)}</text>',
        f'<text x="{_WIDTH - _RIGHT}" y="22" fill="#c1440e" text-anchor="end">',
        "derivative (dashed)</text>",
        *_grid(x_axis, y_axis),
        _line(curve.x, curve.derivative, x_axis, y_axis, 'stroke="#c1440e" stroke-dasharray="6 4"'),
        _line(curve.x, curve.y, x_axis, y_axis, 'stroke="#0b62a4"'),
        "</svg>",
    ]
    return "\n".join(parts)


class _Axis:
    """A linear map from numbers to picture coordinates, with round tick values."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self.low = low
        self.high = high if high > low else low + 1.0
        self.start = start
        self.end = end

    def place(self, values: Array) -> Array:
        share = (values - self.low) / (self.high - self.low)
        return np.asarray(self.start + share * (self.end - self.start))

    def ticks(self) -> Array:
        raw = (self.high - self.low) / 6
        power = 10.0 ** np.floor(np.log10(raw))
        step = next(m * power for m in (1.0, 2.0, 5.0, 10.0) if m * power >= raw)
        first, last = np.ceil(self.low / step - 1e-9), np.floor(self.high / step + 1e-9)
        return np.asarray(step * np.arange(first, last + 1) + 0.0)


def _grid(x_axis: _Axis, y_axis: _Axis) -> list[str]:
    parts = []
    for value, x in zip(x_axis.ticks(), x_axis.place(x_axis.ticks()), strict=True):
        colour = "#888" if value == 0 else "#e4e4e4"
        parts.append(
            f'<path d="M{x:.1f} {_TOP}V{_HEIGHT - _BOTTOM}" stroke="{colour}"/>'
            f'<text x="{x:.1f}" y="{_HEIGHT - _BOTTOM + 18}" text-anchor="middle">{value:g}</text>'
        )
    for value, y in zip(y_axis.ticks(), y_axis.place(y_axis.ticks()), strict=True):
        colour = "#888" if value == 0 else "#e4e4e4"
        parts.append(
            f'<path d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}" stroke="{colour}"/>'
            f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>'
        )
    return parts


def _line(x: Array, y: Array, x_axis: _Axis, y_axis: _Axis, style: str) -> str:
    places = zip(x_axis.place(x), y_axis.place(y), strict=True)
    text = " ".join(f"{px:.2f},{py:.2f}" for px, py in places)
    return f'<polyline points="{text}" fill="none" stroke-width="2" {style}/>'
