"""Predictions as JSON: short numbers, labels in their type, ties in label order."""

import json
import re
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stnp

from service.codecs.json_options import NO_OPTIONS, Options, decode_options
from service.codecs.json_predict import decode_predict, encode_predictions
from service.errors import InvalidInput
from service.inference.features import row_format
from service.inference.prediction_sets import PredictionSets
from service.inference.predictor import Predictions
from service.model_repository.layout import PublishedVersion, read_version
from service.model_repository.manifest import Manifest
from tests.service.conftest import MODELS

PROBABILITIES = stnp.arrays(
    np.float32, st.tuples(st.integers(0, 5), st.just(3)), elements=st.floats(0, 1, width=32)
)


@cache
def penguins_manifest() -> Manifest:
    """As the fixture, where Hypothesis wants none."""
    return read_version(MODELS / "penguins/1", root=MODELS, name="penguins", number=1).manifest


def _encode(
    probabilities: np.ndarray,
    top_k: int | None = None,
    labels: tuple[bool | int | str, ...] = ("u", "v", "w"),
) -> dict[str, Any]:
    predictions = Predictions(probabilities, probabilities.argmax(axis=1))
    body = encode_predictions(
        predictions, name="m", version=3, labels=labels, options=Options(top_k=top_k)
    )
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

    body = encode_predictions(
        predictions, name="m", version=1, labels=(1, 2, 3), options=NO_OPTIONS
    )

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
def test_top_k_beyond_the_classes_or_no_whole_number_is_refused(
    value: object, penguins: PublishedVersion
) -> None:
    with pytest.raises(InvalidInput, match="top_k: expected a whole number from 1 to 3, got "):
        _decode(penguins, top_k=value)


@pytest.mark.parametrize("key", ["topk", "converage", "Instances"])
def test_mistyped_option_is_refused(key: str, penguins: PublishedVersion) -> None:
    with pytest.raises(
        InvalidInput,
        match="expected only the keys instances, inputs, top_k, coverage, coverage_by, "
        "empty_sets, uncertainty",
    ):
        _decode(penguins, **{key: 1})


def _decode(version: PublishedVersion, **options: object) -> Options:
    manifest = version.manifest
    body = json.dumps({"instances": [], **options}).encode()
    form = row_format(manifest.signature)
    return decode_predict(body, form=form, manifest=manifest, row_limit=5).options


@pytest.mark.parametrize(
    ("coverage", "percent"),
    [(0.9, 90), (0.29, 29), (0.57, 57), (0.905, 91), (0.01, 1), (0.99, 99), (0.9000001, 91)],
)
def test_coverage_is_rounded_up_to_a_whole_percent(
    coverage: float, percent: int, penguins: PublishedVersion
) -> None:
    calibration = penguins.manifest.calibration
    assert calibration is not None

    expected = PredictionSets(calibration.first_thresholds[percent - 1], hold_first=True)
    assert _decode(penguins, coverage=coverage).sets == expected


@given(percent=st.integers(1, 99))
def test_every_whole_percent_is_taken_as_it_is_written(percent: int) -> None:
    manifest = penguins_manifest()
    thresholds = tuple(1 - i / 100 for i in range(1, 100))
    assert manifest.calibration is not None
    calibration = manifest.calibration.model_copy(update={"first_thresholds": thresholds})

    options = decode_options(
        {"coverage": percent / 100}, manifest.model_copy(update={"calibration": calibration})
    )

    assert options.sets == PredictionSets(thresholds[percent - 1], hold_first=True)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (0, "coverage: expected a number from 0.01 to 0.99, got 0"),
        (1, "coverage: expected a number from 0.01 to 0.99, got 1"),
        (0.995, "coverage: expected a number from 0.01 to 0.99, got 0.995"),
        (-0.5, "coverage: expected a number from 0.01 to 0.99, got -0.5"),
        ("0.9", 'coverage: expected a number, got "0.9"'),
        (True, "coverage: expected a number, got true"),
        (None, "coverage: expected a number, got null"),
    ],
    ids=str,
)
def test_coverage_that_is_none_is_refused(
    value: object, sentence: str, penguins: PublishedVersion
) -> None:
    with pytest.raises(InvalidInput, match=f"^{re.escape(sentence)}$"):
        _decode(penguins, coverage=value)


@pytest.mark.parametrize("value", [1, 0, "true", None, []], ids=str)
def test_uncertainty_is_true_or_false(value: object, penguins: PublishedVersion) -> None:
    with pytest.raises(InvalidInput, match=r"^uncertainty: expected true or false, got "):
        _decode(penguins, uncertainty=value)


def test_option_that_a_version_does_not_have_is_told(digits: PublishedVersion) -> None:
    with pytest.raises(InvalidInput, match="was exported without dropout uncertainty"):
        _decode(digits, uncertainty=True)
    assert not _decode(digits, uncertainty=False).uncertainty
    plain = digits.manifest.model_copy(update={"calibration": None})
    with pytest.raises(InvalidInput, match="has no calibrated prediction sets"):
        decode_options({"coverage": 0.9}, plain)


def _sets(probabilities: np.ndarray, sets: PredictionSets) -> list[list[str]]:
    predictions = Predictions(probabilities, probabilities.argmax(axis=1))
    body = encode_predictions(
        predictions, name="m", version=1, labels=("u", "v", "w"), options=Options(sets=sets)
    )
    return [p["prediction_set"] for p in json.loads(body)["predictions"]]


@given(probabilities=PROBABILITIES, threshold=st.floats(0, 1, width=32))
def test_prediction_set_holds_every_label_that_is_probable_enough(
    probabilities: np.ndarray, threshold: float
) -> None:
    assert _sets(probabilities, PredictionSets(threshold, hold_first=False)) == [
        [label for label, p in zip("uvw", row, strict=True) if p >= threshold]
        for row in probabilities.tolist()
    ]


@given(probabilities=PROBABILITIES, thresholds=st.tuples(*[st.floats(0, 1, width=32)] * 3))
def test_set_with_the_first_label_is_never_empty(
    probabilities: np.ndarray, thresholds: tuple[float, ...]
) -> None:
    found = _sets(
        probabilities, PredictionSets(np.asarray(thresholds, np.float32), hold_first=True)
    )

    for row, members in zip(probabilities, found, strict=True):
        first = row.argmax()
        assert members == [
            label
            for i, label in enumerate("uvw")
            if row[i] >= np.float32(thresholds[i]) or i == first
        ]


@cache
def calibrated_manifest() -> Manifest:
    """Of a version with every kind of prediction sets."""
    manifest = penguins_manifest()
    assert manifest.calibration is not None
    calibration = manifest.calibration.model_copy(
        update={
            "first_thresholds": tuple(0.9 - i / 200 for i in range(1, 100)),
            "class_percents": (50, 90),
            "class_thresholds": ((0.5, 0.4, 0.3), (0.2, 0.1, 0.0)),
        }
    )
    return manifest.model_copy(update={"calibration": calibration})


def _calibrated(**options: object) -> PredictionSets:
    sets = decode_options(options, calibrated_manifest()).sets
    assert sets is not None
    return sets


def test_sets_are_never_empty_unless_that_is_asked_for() -> None:
    calibration = calibrated_manifest().calibration
    assert calibration is not None
    never = PredictionSets(calibration.first_thresholds[89], hold_first=True)
    may_be = PredictionSets(calibration.thresholds[89], hold_first=False)

    assert _calibrated(coverage=0.9) == never
    assert _calibrated(coverage=0.9, empty_sets=False, coverage_by="all") == never
    assert _calibrated(coverage=0.9, empty_sets=True) == may_be


@pytest.mark.parametrize(
    ("coverage", "thresholds"),
    [(0.2, [0.5, 0.4, 0.3]), (0.5, [0.5, 0.4, 0.3]), (0.51, [0.2, 0.1, 0]), (0.9, [0.2, 0.1, 0])],
)
def test_coverage_by_class_is_rounded_up_to_one_that_the_version_has(
    coverage: float, thresholds: list[float]
) -> None:
    sets = _calibrated(coverage=coverage, coverage_by="class")

    assert sets.hold_first
    np.testing.assert_array_equal(sets.threshold, np.asarray(thresholds, np.float32))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"coverage": 0.9, "coverage_by": "row"},
            'coverage_by: expected "all" or "class", got "row"',
        ),
        ({"coverage_by": "class"}, "coverage_by: expected coverage beside it, such as 0.9"),
        ({"empty_sets": True}, "empty_sets: expected coverage beside it, such as 0.9"),
        ({"coverage": 0.9, "empty_sets": 1}, "empty_sets: expected true or false, got 1"),
        (
            {"coverage": 0.9, "coverage_by": "class", "empty_sets": True},
            "empty_sets: sets by class are never empty: expected false",
        ),
        (
            {"coverage": 0.95, "coverage_by": "class"},
            "coverage: by class this version has coverages up to 0.9, got 0.95",
        ),
    ],
    ids=str,
)
def test_prediction_sets_that_are_none_are_refused(
    options: dict[str, object], sentence: str
) -> None:
    with pytest.raises(InvalidInput, match=f"^{re.escape(sentence)}$"):
        _calibrated(**options)


def test_version_of_before_says_which_sets_it_does_not_have(
    penguins_of_schema_3: PublishedVersion,
) -> None:
    with pytest.raises(InvalidInput, match="this version has only sets that may be empty"):
        _decode(penguins_of_schema_3, coverage=0.9, empty_sets=False)
    with pytest.raises(InvalidInput, match="this version has no thresholds by class"):
        _decode(penguins_of_schema_3, coverage=0.9, coverage_by="class")
