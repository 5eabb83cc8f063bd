"""The picture of an activation function as SVG: the function and its derivative on one axis."""

from collections.abc import Iterator, Mapping
from functools import partial
from xml.sax.saxutils import escape

import numpy as np

from service.activations.axis import Axis
from service.activations.function import ActivationFunction, Array, Evaluation, Formula
from service.activations.pieces import Pieces, pieces

_WIDTH, _HEIGHT = 640, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 20, 84, 36
_VALUE, _SLOPE = "#0b62a4", "#c1440e"
_DASHES = ' stroke-dasharray="6 4"'
# Attributes are the light picture, for readers without style sheets too; a style overrides them.
_DARK = (
    "@media (prefers-color-scheme: dark) {"
    ".paper{fill:#0d1117}.ink{fill:#e6edf3}.grid{stroke:#30363d}.zero{stroke:#8b949e}"
    "polyline.value,path.value,circle.value{stroke:#6cb6ff}"
    "polyline.slope,path.slope,circle.slope{stroke:#ff9a57}"
    "text.value,circle.filled.value{fill:#6cb6ff}text.slope,circle.filled.slope{fill:#ff9a57}"
    "circle.open{fill:#0d1117}}"
)
_LOOK = (
    "The function is the solid line, its derivative the dashed one. Where one of them jumps its "
    "line breaks: the filled dot is the value there, the open dot is what it comes near."
)


def draw(function: ActivationFunction, curve: Evaluation) -> str:
    """The picture, as an SVG document."""
    value = _pieces(function, function.value, curve, curve.y)
    slope = _pieces(function, function.derivative, curve, curve.derivative)
    heights = _heights(value, slope)
    x_axis = Axis(float(curve.x[0]), float(curve.x[-1]), _LEFT, _WIDTH - _RIGHT)
    y_axis = Axis(min(*heights, 0.0), max(*heights, 0.0), _HEIGHT - _BOTTOM, _TOP)
    parts = [
        *_head(function, curve.parameters),
        *_grid(x_axis, y_axis),
        *_drawn(slope, x_axis, y_axis, f'class="slope" stroke="{_SLOPE}"{_DASHES}'),
        *_drawn(value, x_axis, y_axis, f'class="value" stroke="{_VALUE}"'),
        *_dots(slope, x_axis, y_axis, "slope", _SLOPE),
        *_dots(value, x_axis, y_axis, "value", _VALUE),
        "</svg>",
    ]
    return "\n".join(parts)


def _pieces(
    function: ActivationFunction, formula: Formula, curve: Evaluation, values: Array
) -> Pieces:
    bends = function.bends(**curve.parameters)
    return pieces(partial(formula, **curve.parameters), curve.x, values, bends)


def _heights(*curves: Pieces) -> list[float]:
    ends = [dot.y for curve in curves for dot in curve.dots]
    lines = [line.y for curve in curves for line in curve.lines]
    return ends + [float(end) for y in lines for end in (y.min(), y.max())]


def _head(function: ActivationFunction, parameters: Mapping[str, float]) -> Iterator[str]:
    used = _numbers(parameters)
    title = f"{function.name}({used})" if used else function.name
    constants = _numbers(dict(function.constants))
    more = f", {constants}" if constants else ""
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
    yield 'role="img" font-family="sans-serif" font-size="12">'
    yield f"<title>{escape(title)} and its derivative</title>"
    yield f"<desc>{_LOOK}</desc>"
    yield f"<style>{_DARK}</style>"
    yield f'<rect class="paper" width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>'
    yield f'<text class="ink" x="{_LEFT}" y="24" font-size="15" font-weight="bold" '
    yield f'fill="#1f2328">{escape(title)}</text>'
    yield from _formula("value", _VALUE, 46, f"f(x) = {function.formula}{more}")
    yield from _formula("slope", _SLOPE, 66, f"f′(x) = {function.derivative_formula}")


def _formula(kind: str, colour: str, y: int, text: str) -> Iterator[str]:
    """A formula beside a piece of its line."""
    dashes = _DASHES if kind == "slope" else ""
    yield (
        f'<path class="{kind}" d="M{_LEFT} {y - 4}h26" stroke="{colour}" stroke-width="2"{dashes}/>'
        f'<text class="{kind}" x="{_LEFT + 34}" y="{y}" fill="{colour}">{escape(text)}</text>'
    )


def _numbers(named: Mapping[str, float]) -> str:
    written = (f"{name} = {value:g}" for name, value in named.items())
    return ", ".join(written).replace("-", "\N{MINUS SIGN}")


def _grid(x_axis: Axis, y_axis: Axis) -> Iterator[str]:
    for tick in x_axis.ticks():
        x = float(x_axis.place(np.array(tick.value)))
        yield (
            f'<path {_rule(tick.value)} d="M{x:.1f} {_TOP}V{_HEIGHT - _BOTTOM}"/>'
            f'<text class="ink" x="{x:.1f}" y="{_HEIGHT - _BOTTOM + 18}" text-anchor="middle" '
            f'fill="#1f2328">{tick.label}</text>'
        )
    for tick in y_axis.ticks():
        y = float(y_axis.place(np.array(tick.value)))
        yield (
            f'<path {_rule(tick.value)} d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}"/>'
            f'<text class="ink" x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" '
            f'fill="#1f2328">{tick.label}</text>'
        )


def _rule(value: float) -> str:
    return 'class="zero" stroke="#818890"' if value == 0 else 'class="grid" stroke="#dfe3e8"'


def _drawn(curve: Pieces, x_axis: Axis, y_axis: Axis, style: str) -> Iterator[str]:
    for line in curve.lines:
        places = zip(x_axis.place(line.x), y_axis.place(line.y), strict=True)
        text = " ".join(f"{px:.2f},{py:.2f}" for px, py in places)
        yield f'<polyline points="{text}" fill="none" stroke-width="2" {style}/>'


def _dots(curve: Pieces, x_axis: Axis, y_axis: Axis, kind: str, colour: str) -> Iterator[str]:
    for dot in curve.dots:
        state, fill = ("filled", colour) if dot.is_filled else ("open", "#ffffff")
        x, y = x_axis.place(np.array(dot.x)), y_axis.place(np.array(dot.y))
        yield (
            f'<circle class="{state} {kind}" cx="{x:.2f}" cy="{y:.2f}" r="4" fill="{fill}" '
            f'stroke="{colour}" stroke-width="2"/>'
        )
