"""Pictures of evidence that is small, large, odd or not there."""

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
from training.report.evidence import Evidence
from training.report.files import report_files

Draw = Callable[[Manifest], Evidence]
Relabel = Callable[..., Manifest]
LIMIT = 100_000


def _texts(svg: bytes | None) -> list[str]:
    assert svg is not None
    root = ET.fromstring(svg)  # noqa: S314 - drawn by the test
    return [text for element in root.iter() if (text := element.text) and text.strip()]


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


def test_reliability_tells_the_temperature_only_if_there_is_one(
    digits: Manifest, draw: Draw
) -> None:
    bare = digits.model_copy(update={"calibration": None})

    assert any("temperature 0.712" in text for text in _texts(answers.reliability(draw(digits))))
    assert not any("temperature" in text for text in _texts(answers.reliability(draw(bare))))


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
