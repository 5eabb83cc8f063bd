"""Pictures of evidence that is small, large, odd or not there."""

import re
from collections.abc import Callable
from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from service.model_repository.manifest import Epoch, History, Manifest
from service.model_repository.provenance import LearningCurvePoint, Uncertainty
from training.report import answers, confusions, curves, histograms
from training.report.drawing import _log_ticks
from training.report.evidence import Evidence
from training.report.files import report_files

Draw = Callable[[Manifest], Evidence]
Relabel = Callable[..., Manifest]
LIMIT = 100_000


def _texts(svg: bytes | None) -> list[str]:
    assert svg is not None
    root = ET.fromstring(svg)  # noqa: S314 - drawn by the test
    return [text for element in root.iter() if (text := element.text) and text.strip()]


def _within(svg: bytes | None, gid: str, tag: str) -> list[ET.Element]:
    """The elements of a kind within the group of that id, in order."""
    assert svg is not None
    root = ET.fromstring(svg)  # noqa: S314 - drawn by the test
    groups = [group for group in root.iter() if group.attrib.get("id") == gid]
    return [one for group in groups[:1] for one in group.iter() if one.tag.endswith("}" + tag)]


def _with_norms(manifest: Manifest, norms: list[tuple[float, ...]]) -> Manifest:
    epochs = tuple(
        Epoch(
            training_loss=1.0,
            training_accuracy=0.5,
            validation_loss=1.0,
            validation_accuracy=0.5,
            gradient_norms=of_epoch,
        )
        for of_epoch in norms
    )
    return manifest.model_copy(update={"history": History(best_epoch=1, epochs=epochs)})


@pytest.mark.parametrize("classes", [2, 30, 31, 150])
def test_confusions_of_any_number_of_classes_are_small(
    digits: Manifest, draw: Draw, relabel: Relabel, classes: int
) -> None:
    evidence = draw(relabel(digits, [f"class {i}" for i in range(classes)]))
    wrong = np.where(np.arange(len(evidence.class_index)) < 50, 1, evidence.class_index)

    svg = confusions.confusions(replace(evidence, class_index=wrong))

    assert "class 1" in " ".join(_texts(svg))
    assert len(svg) < LIMIT


def test_every_count_of_a_matrix_is_written(digits: Manifest, draw: Draw, relabel: Relabel) -> None:
    evidence = replace(
        draw(relabel(digits, ["no", "yes"])),
        probabilities=np.repeat([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]], [70, 41, 5], axis=0),
        class_index=np.repeat([0, 1, 1], [70, 41, 5]),
    )

    texts = _texts(confusions.confusions(evidence))

    assert {"70", "41", "5"} <= set(texts)


def test_many_classes_that_are_never_confused_are_said_to_be_so(
    digits: Manifest, draw: Draw, relabel: Relabel
) -> None:
    evidence = replace(
        draw(relabel(digits, range(40))), probabilities=np.eye(40), class_index=np.arange(40)
    )

    assert "No class is confused" in _texts(confusions.confusions(evidence))


def test_a_choice_of_the_test_rows_is_said_to_be_one(digits: Manifest, draw: Draw) -> None:
    titles = _texts(confusions.confusions(draw(digits)))

    assert "200 of 359 test rows by true and predicted class" in titles


def _answers(digits: Manifest, confidence: list[float], hits: list[bool]) -> Evidence:
    """Of two classes: the first is named with this confidence, and is right or not."""
    named = np.array(confidence)
    return Evidence(
        manifest=digits,
        probabilities=np.column_stack([named, 1 - named]),
        class_index=np.where(hits, 0, 1),
        weights=(),
        hidden=(),
    )


def test_reliability_is_a_dot_and_an_interval_a_bin_and_no_line_joins_them(
    digits: Manifest,
) -> None:
    evidence = _answers(digits, [0.75] * 30 + [0.97] * 60 + [0.55], [True] * 90 + [False])

    svg = answers.reliability(evidence)

    assert len(_within(svg, "bins", "path")) == 3
    assert len(_within(svg, "intervals", "path")) == 3
    steps = [path.attrib["d"].count("L") for path in _within(svg, "axes_1", "path")]
    assert max(steps) <= 4


def test_dots_of_reliability_grow_with_their_rows(digits: Manifest) -> None:
    svg = answers.reliability(_answers(digits, [0.75] * 40 + [0.97] * 4, [True] * 44))

    dots = [path.attrib["d"] for path in _within(svg, "bins", "path")]
    across = [[float(x) for x in re.findall(r"(-?[\d.]+) -?[\d.]+", dot)] for dot in dots]
    few, many = sorted(max(places) - min(places) for places in across)
    # Areas go with rows, above the smallest: 8 + 112 * share.
    assert many**2 / few**2 == pytest.approx(120 / 19.2, rel=0.02)


def test_a_bin_of_one_row_has_wilsons_wide_interval(digits: Manifest) -> None:
    svg = answers.reliability(_answers(digits, [0.75], [True]))

    (bar,) = _within(svg, "intervals", "path")
    ends = [float(y) for y in re.findall(r"[ML] [\d.]+ ([\d.]+)", bar.attrib["d"])]
    axis = _within(svg, "axes_1", "path")[0].attrib["d"]
    places = [float(y) for y in re.findall(r"[ML] [\d.]+ ([\d.]+)", axis)]
    share = abs(ends[1] - ends[0]) / (max(places) - min(places))
    assert share == pytest.approx(1 - 0.2065, abs=0.005)


def test_bars_of_f1_print_their_values_and_a_class_of_0_is_marked(
    digits: Manifest, draw: Draw, relabel: Relabel
) -> None:
    manifest = relabel(digits, ["good", "never", "absent"])
    good, never, absent = manifest.scores.test.per_class
    per_class = (
        good.model_copy(update={"f1": 0.9713}),
        never.model_copy(update={"f1": 0.0}),
        absent.model_copy(update={"f1": 0.0, "rows": 0}),
    )
    test = manifest.scores.test.model_copy(update={"per_class": per_class})
    scores = manifest.scores.model_copy(update={"test": test})

    svg = answers.per_class(draw(manifest.model_copy(update={"scores": scores})))

    assert {"0.971", "0.000, never recognised", "no test rows"} <= set(_texts(svg))
    assert len(_within(svg, "never-recognised-1", "use")) == 1
    assert not _within(svg, "never-recognised-2", "use")


@pytest.mark.parametrize("name", ["digits", "penguins"])
def test_every_picture_has_its_paper_and_turns_dark_on_dark_pages(
    request: pytest.FixtureRequest, draw: Draw, name: str
) -> None:
    files = report_files(draw(request.getfixturevalue(name)), html=True)

    for svg in (files[name] for name in files if name.endswith(".svg")):
        assert "fill: #ffffff" in _within(svg, "paper", "path")[0].attrib["style"]
        assert any("prefers-color-scheme: dark" in text for text in _texts(svg))
        # Ink is a colour that the dark style knows: nothing is left in plain black.
        assert b"stroke: #000000" not in svg
    assert b"prefers-color-scheme:dark" in files["report.html"]


@pytest.mark.parametrize(
    "name", ["losses", "gradients", "learning-curve", "weights", "hidden", "reliability"]
)
def test_axes_end_at_labelled_ticks(digits: Manifest, draw: Draw, name: str) -> None:
    points = tuple(
        LearningCurvePoint(rows=rows, log_losses=(0.5, 0.6), accuracies=(0.8, 0.7))
        for rows in (28, 56, 112)
    )
    svg = report_files(draw(digits.model_copy(update={"learning_curve": points})), html=False)

    _assert_ends_are_labelled(svg[f"plots/{name}.svg"])


def _assert_ends_are_labelled(svg: bytes) -> None:
    box = _within(svg, "axes_1", "path")[0].attrib["d"]
    corners = re.findall(r"[ML] ([\d.]+) ([\d.]+)", box)
    for axis, side in (("matplotlib.axis_1", 0), ("matplotlib.axis_2", 1)):
        marks = [float(mark.attrib["xy"[side]]) for mark in _within(svg, axis, "use")]
        ends = {float(corner[side]) for corner in corners}
        assert len(ends) == 2
        assert all(min(abs(end - mark) for mark in marks) < 0.05 for end in ends)


@given(st.floats(1e-12, 1e12), st.floats(1, 1e15))
def test_logarithmic_axes_end_at_labelled_ticks(low: float, times: float) -> None:
    ticks = _log_ticks(low, low * times)

    assert ticks[0] <= low * (1 + 1e-12)
    assert ticks[-1] >= low * times * (1 - 1e-12)
    assert 2 <= len(ticks) <= 25
    assert ticks == sorted(ticks)


@pytest.mark.parametrize("fifths", [(), (0.1, 0.2, 0.3), (0.0,) * 5])
def test_uncertainty_is_drawn_with_any_number_of_fifths(
    penguins: Manifest, draw: Draw, fifths: tuple[float, ...]
) -> None:
    worth = Uncertainty(masks=8, rows=40, error_by_quintile=fifths, separation=0.5)

    svg = answers.uncertainty(draw(penguins.model_copy(update={"uncertainty": worth})))

    assert "Errors by uncertainty" in _texts(svg)


def test_gradients_within_one_power_of_ten_have_numbers_at_their_axis(
    digits: Manifest, draw: Draw
) -> None:
    evidence = draw(_with_norms(digits, [(0.41, 0.62), (0.43, 0.58), (0.45, 0.55)]))

    assert "0.5" in " ".join(_texts(curves.gradients(evidence)))


def test_gradients_of_zero_or_unknown_leave_gaps(digits: Manifest, draw: Draw) -> None:
    assert curves.gradients(draw(_with_norms(digits, [(), (0.0, 0.5), (0.2, 0.4)]))) is not None
    assert curves.gradients(draw(_with_norms(digits, [(0.0, 0.0)]))) is None
    assert curves.gradients(draw(_with_norms(digits, [(), ()]))) is None


def test_thousands_of_epochs_and_many_layers_stay_small(digits: Manifest, draw: Draw) -> None:
    generator = np.random.default_rng(0)
    norms = [tuple(row) for row in np.exp(generator.normal(size=(3000, 20))).tolist()]
    evidence = replace(
        draw(_with_norms(digits, norms)),
        weights=tuple(generator.normal(size=(50, 50)) for _ in range(20)),
        hidden=tuple(generator.normal(size=(50, 50)) for _ in range(20)),
    )

    files = report_files(evidence, html=False)

    assert {"plots/gradients.svg", "plots/weights.svg", "plots/hidden.svg"} <= set(files)
    assert max(len(files[name]) for name in files if name.endswith(".svg")) < LIMIT


def test_learning_curve_leaves_out_points_without_folds(digits: Manifest, draw: Draw) -> None:
    empty = LearningCurvePoint(rows=10, log_losses=(), accuracies=())
    full = LearningCurvePoint(rows=20, log_losses=(0.5, 0.6), accuracies=(0.8, 0.7))
    curve = digits.model_copy(update={"learning_curve": (empty, full)})

    assert "20" in _texts(curves.rows_curve(draw(curve)))
    assert curves.rows_curve(draw(digits.model_copy(update={"learning_curve": (empty,)}))) is None


def test_saturation_is_told_of_bounded_activations_only(digits: Manifest, draw: Draw) -> None:
    bounded = digits.network.model_copy(update={"activation": "tanh"})
    values = (np.array([[-1.0, 1.0, 0.0, 0.5]]),)
    tanh = replace(draw(digits.model_copy(update={"network": bounded})), hidden=values)
    relu = replace(draw(digits), hidden=values)

    assert "25% zero, 50% saturated" in _texts(histograms.hidden(tanh))
    assert "25% zero" in _texts(histograms.hidden(relu))


@pytest.mark.parametrize("hidden", [(), (np.zeros((0, 4)),)], ids=["no layer", "no rows"])
def test_nothing_is_drawn_of_no_hidden_values(
    digits: Manifest, draw: Draw, hidden: tuple[np.ndarray, ...]
) -> None:
    assert histograms.hidden(replace(draw(digits), hidden=hidden)) is None


@settings(max_examples=25, deadline=None)
@given(arrays(np.float32, (3, 4), elements=st.floats(width=32)))
def test_hidden_values_of_any_size_are_drawn(values: np.ndarray) -> None:
    """Also equal, huge, tiny and infinite ones: a long run ends with its report."""
    layers = histograms._layers((values,))

    assert bool(layers) == bool(np.isfinite(values).any())
    if layers:
        with histograms._panels(layers) as made:
            histograms._histogram(made.axes, layers[0][2], "black")
        assert made.svg
