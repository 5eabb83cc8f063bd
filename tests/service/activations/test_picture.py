"""The picture of an activation function: its lines and their breaks, its axes, its words."""

import xml.etree.ElementTree as ET
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.activations.axis import Axis
from service.activations.curve import points
from service.activations.function import ActivationFunction, Evaluation, evaluate
from service.activations.picture import draw
from service.activations.pieces import pieces
from service.activations.table import TABLE

SVG = "{http://www.w3.org/2000/svg}"
FUNCTIONS = [pytest.param(function, id=name) for name, function in TABLE.items()]


def _curve(name: str, start: float = -8, stop: float = 8, **parameters: float) -> Evaluation:
    return evaluate(TABLE[name], points(start, stop, 0.1, limit=1000), parameters)


def _picture(name: str, start: float = -8, stop: float = 8, **parameters: float) -> ET.Element:
    drawn = draw(TABLE[name], _curve(name, start, stop, **parameters))
    return ET.fromstring(drawn)  # noqa: S314 - our own document


def _lines(picture: ET.Element, kind: str) -> list[list[tuple[float, float]]]:
    return [
        [(float(x), float(y)) for x, y in (p.split(",") for p in line.attrib["points"].split())]
        for line in picture.findall(f"{SVG}polyline")
        if line.attrib["class"] == kind
    ]


def _dots(picture: ET.Element, kind: str) -> list[tuple[str, float, float]]:
    found = [dot.attrib for dot in picture.findall(f"{SVG}circle")]
    return [
        (dot["class"].split()[0], float(dot["cx"]), float(dot["cy"]))
        for dot in found
        if dot["class"].split()[1] == kind
    ]


def _texts(picture: ET.Element) -> list[str]:
    return [element.text or "" for element in picture.iter(f"{SVG}text")]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_line_crosses_a_jump(function: ActivationFunction) -> None:
    """Between two points of a line that are 0.1 apart no function here rises by half a unit."""
    curve = _curve(function.name)

    for values, formula in (
        (curve.y, function.value),
        (curve.derivative, function.derivative),
    ):
        bends = function.bends(**curve.parameters)
        drawn = pieces(partial(formula, **curve.parameters), curve.x, values, bends)
        for line in drawn.lines:
            assert np.abs(np.diff(line.y)).max() < 0.2
            assert (np.diff(line.x) > 0).all()


@pytest.mark.parametrize(
    ("name", "values", "slopes", "filled", "open_"),
    [
        ("relu", 1, 2, 1, 1),
        ("relu6", 1, 3, 2, 2),
        ("hardshrink", 3, 3, 2, 2),
        ("softshrink", 1, 3, 2, 2),
        ("selu", 1, 2, 1, 1),
        ("elu", 1, 1, 0, 0),
        ("tanh", 1, 1, 0, 0),
    ],
)
def test_jumps_are_breaks_with_filled_and_open_dots(
    name: str, values: int, slopes: int, filled: int, open_: int
) -> None:
    picture = _picture(name)

    assert len(_lines(picture, "value")) == values
    assert len(_lines(picture, "slope")) == slopes
    kinds = [kind for kind, _, _ in _dots(picture, "slope")]
    assert (kinds.count("filled"), kinds.count("open")) == (filled, open_)


def test_a_parameter_can_make_a_break() -> None:
    assert len(_lines(_picture("elu", alpha=0.5), "slope")) == 2
    assert len(_lines(_picture("hardtanh", min_val=-2, max_val=3), "slope")) == 3
    assert len(_lines(_picture("leaky_relu", negative_slope=1), "slope")) == 1


def test_two_sides_that_come_near_the_same_value_share_an_open_dot() -> None:
    """The derivative of softshrink with lambd = 0: 1 on both sides of 0, and 0 there."""
    kinds = [kind for kind, _, _ in _dots(_picture("softshrink", lambd=0), "slope")]

    assert sorted(kinds) == ["filled", "open"]


def test_a_jump_at_the_end_of_the_range_shows_the_side_that_is_in_it() -> None:
    picture = _picture("relu", 0, 2)

    assert [len(line) for line in _lines(picture, "slope")] == [21]
    assert sorted(kind for kind, _, _ in _dots(picture, "slope")) == ["filled", "open"]


def test_a_kink_between_two_points_is_sharp() -> None:
    coarse = evaluate(TABLE["relu"], np.array([-1.5, 1.5]), {})

    drawn = pieces(TABLE["relu"].value, coarse.x, coarse.y, (0.0,))

    assert [line.x.tolist() for line in drawn.lines] == [[-1.5, 0.0, 1.5]]
    assert drawn.lines[0].y.tolist() == [0.0, 0.0, 1.5]


def test_a_single_point_is_a_dot() -> None:
    picture = draw(TABLE["relu"], evaluate(TABLE["relu"], np.array([0.0]), {}))

    assert "nan" not in picture
    assert 'class="filled value"' in picture


@pytest.mark.parametrize("function", FUNCTIONS)
def test_formulas_have_real_signs(function: ActivationFunction) -> None:
    for formula in (function.formula, function.derivative_formula):
        for sign in ("*", "^", "sqrt", "Phi", "exp(x)", "exp(-x)", "<=", "'", " pi"):
            assert sign not in formula
        assert "-" not in formula


def test_constants_are_shown_with_their_values() -> None:
    assert "scale = 1.0507, alpha = 1.67326" in " ".join(_texts(_picture("selu")))


def test_picture_is_told_by_its_title_and_by_what_to_look_for() -> None:
    picture = _picture("relu")

    title, description = picture.find(f"{SVG}title"), picture.find(f"{SVG}desc")
    assert title is not None
    assert title.text == "relu and its derivative"
    assert description is not None
    assert "open dot" in (description.text or "")


def test_picture_brings_its_own_paper_and_is_dark_on_dark_pages() -> None:
    picture = _picture("tanh")

    paper = picture.find(f"{SVG}rect")
    assert paper is not None
    assert paper.attrib["fill"] == "#ffffff"
    style = picture.find(f"{SVG}style")
    assert style is not None
    assert "prefers-color-scheme: dark" in (style.text or "")
    for name in (paper.attrib["class"], "value", "slope", "grid", "ink"):
        assert f".{name}" in (style.text or "")


@pytest.mark.parametrize(
    ("start", "stop"), [(-8, 8), (-1, 1), (0, 1e-3), (-3.7, 9.13), (1e6, 1e6 + 1)], ids=str
)
def test_axes_end_at_labelled_ticks(start: float, stop: float) -> None:
    axis = Axis(start, stop, 0, 100)

    ticks = axis.ticks()

    assert axis.place(np.array([ticks[0].value, ticks[-1].value])).tolist() == [0, 100]
    assert ticks[0].value <= start
    assert stop <= ticks[-1].value
    assert len({tick.label for tick in ticks}) == len(ticks)


def test_the_default_range_ends_at_its_own_ends() -> None:
    labels = [tick.label for tick in Axis(-8, 8, 0, 100).ticks()]

    assert labels == ["−8", "−6", "−4", "−2", "0", "2", "4", "6", "8"]


@given(st.floats(-1e300, 1e300), st.floats(0, 1e300))
def test_every_range_has_a_few_ticks_around_it(low: float, span: float) -> None:
    axis = Axis(low, low + span, 0, 100)

    ticks = axis.ticks()

    assert 2 <= len(ticks) <= 13
    places = axis.place(np.array([low, low + span]))
    assert (places >= -1e-6).all()
    assert (places <= 100 + 1e-6).all()
