"""Predictions as JSON: short numbers, labels in their type, ties in label order."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stnp

from service.codecs.json_predict import decode_predict, encode_predictions
from service.errors import InvalidInput
from service.inference.features import row_format
from service.inference.predictor import Predictions
from service.model_repository.signature import Feature, Signature

ONE_NUMBER = row_format(Signature(features=(Feature(name="a"),), hidden=("hidden_1",)))
PROBABILITIES = stnp.arrays(
    np.float32, st.tuples(st.integers(0, 5), st.just(3)), elements=st.floats(0, 1, width=32)
)


def _encode(
    probabilities: np.ndarray,
    top_k: int | None = None,
    labels: tuple[bool | int | str, ...] = ("u", "v", "w"),
) -> dict[str, Any]:
    predictions = Predictions(probabilities, probabilities.argmax(axis=1))
    body = encode_predictions(predictions, name="m", version=3, labels=labels, top_k=top_k)
    answer: dict[str, Any] = json.loads(body)
    return answer


@given(probabilities=PROBABILITIES)
def test_probabilities_survive_the_journey_exactly(probabilities: np.ndarray) -> None:
    answer = _encode(probabilities)

    back = np.array([p["probabilities"] for p in answer["predictions"]], dtype=np.float32)
    assert np.array_equal(back.reshape(-1, 3), probabilities)


def test_numbers_are_as_short_as_float32_allows() -> None:
    probabilities = np.array([[0.1, 0.7, 0.2]], dtype=np.float32)
    predictions = Predictions(probabilities, probabilities.argmax(axis=1))

    body = encode_predictions(predictions, name="m", version=1, labels=(1, 2, 3), top_k=None)

    assert b'"probability":0.7,"probabilities":[0.1,0.7,0.2]' in body


def test_answer_names_model_version_and_labels() -> None:
    answer = _encode(np.array([[0.1, 0.7, 0.2]], dtype=np.float32))

    assert answer["model_name"] == "m"
    assert answer["model_version"] == "3"
    assert answer["labels"] == ["u", "v", "w"]
    assert answer["predictions"][0]["label"] == "v"


def test_whole_numbers_stay_whole_numbers() -> None:
    answer = _encode(np.array([[0.1, 0.7, 0.2]], dtype=np.float32), labels=(7, 8, 9))

    assert answer["predictions"][0]["label"] == 8


def test_booleans_stay_booleans() -> None:
    answer = _encode(np.array([[0.3, 0.7]], dtype=np.float32), labels=(False, True))

    assert answer["labels"] == [False, True]
    assert answer["predictions"][0]["label"] is True


def test_top_k_lists_the_best_first_in_place_of_all() -> None:
    answer = _encode(np.array([[0.1, 0.7, 0.2]], dtype=np.float32), top_k=2)

    (prediction,) = answer["predictions"]
    assert "probabilities" not in prediction
    assert prediction["top"] == [
        {"label": "v", "probability": 0.7},
        {"label": "w", "probability": 0.2},
    ]


def test_ties_come_in_label_order() -> None:
    answer = _encode(np.array([[0.2, 0.4, 0.4]], dtype=np.float32), top_k=3)

    assert [entry["label"] for entry in answer["predictions"][0]["top"]] == ["v", "w", "u"]


@pytest.mark.parametrize("value", [0, -1, 4, 1.0, "2", True, None, [1]], ids=str)
def test_top_k_beyond_the_classes_or_no_whole_number_is_refused(value: object) -> None:
    body = json.dumps({"instances": [[1]], "top_k": value}).encode()

    with pytest.raises(InvalidInput, match="top_k: expected a whole number from 1 to 3, got "):
        decode_predict(body, form=ONE_NUMBER, classes=3, row_limit=5)


@pytest.mark.parametrize("key", ["topk", "coverage", "Instances"])
def test_mistyped_option_is_refused(key: str) -> None:
    body = json.dumps({"instances": [[1]], key: 1}).encode()

    with pytest.raises(InvalidInput, match="expected only the keys instances, inputs, top_k"):
        decode_predict(body, form=ONE_NUMBER, classes=3, row_limit=5)
