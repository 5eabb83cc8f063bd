"""Predictions and hidden representations of a served version."""

import numpy as np
import pytest

from service.inference.features import Features, numbers_only
from service.inference.predictor import HiddenLayer, Predictor, _saturated_fraction, open_version
from service.model_repository.layout import PublishedVersion


@pytest.fixture(scope="module")
def predictor(digits: PublishedVersion) -> Predictor:
    return open_version(digits)


def _rows(count: int) -> Features:
    numbers = np.random.default_rng(0).uniform(0, 16, (count, 64))
    return numbers_only(numbers.astype(np.float32))


def test_predicted_class_is_the_one_that_the_graph_names(predictor: Predictor) -> None:
    rows = _rows(50)

    predictions = predictor.predict(rows)

    named = [predictor.manifest.labels[i] for i in predictions.class_index]
    assert named == predictor.model.labels(rows)


def test_no_rows_give_no_predictions(predictor: Predictor) -> None:
    predictions = predictor.predict(_rows(0))

    assert predictions.probabilities.shape == (0, 10)
    assert predictions.class_index.shape == (0,)


def test_hidden_layer_has_a_value_for_every_unit_and_counts_zeros(predictor: Predictor) -> None:
    (layer,) = _hidden(predictor, _rows(30))

    assert (layer.name, layer.activation, layer.values.shape) == ("hidden_1", "relu", (30, 64))
    assert layer.zero_fraction == pytest.approx((layer.values == 0).mean())
    assert 0 < layer.zero_fraction < 1
    assert layer.saturated_fraction == 0


def test_hidden_layer_of_no_rows_has_fractions_of_0(predictor: Predictor) -> None:
    (layer,) = _hidden(predictor, _rows(0))

    assert (layer.zero_fraction, layer.saturated_fraction) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("activation", "values", "fraction"),
    [
        ("sigmoid", [0.0, 0.009, 0.5, 0.995], 0.75),
        ("tanh", [-1.0, -0.97, 0.0, 0.99], 0.5),
        ("relu", [0.0, 0.0, 5.0, 5.0], 0.0),
    ],
)
def test_saturated_units_are_those_near_a_bound_of_a_bounded_function(
    activation: str, values: list[float], fraction: float
) -> None:
    assert _saturated_fraction(np.array([values], dtype=np.float32), activation) == fraction


def _hidden(predictor: Predictor, features: Features) -> tuple[HiddenLayer, ...]:
    return predictor.hidden_layers(predictor.model.run(features, predictor.hidden_outputs))
