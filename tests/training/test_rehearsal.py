"""What is published is calibrated on rows that nothing in it saw."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import make_classification

from service.inference.features import numbers_only
from training.config import RunConfig
from training.config_file import read_settings
from training.cross_validation import Unwatched
from training.errors import Diverged
from training.finish import Run
from training.fitting.checkpoint import NoCheckpoint
from training.inputs import Column, Rows
from training.jobs import Ground, fold_rows
from training.plan import settled
from training.prepare import prepare
from training.preprocess import learn
from training.rehearsal import ensemble_logits, jobs_without, left_out, refit_calibrated
from training.select_config import SelectConfig
from training.selection import run_selection
from training.split import stratified_folds


def _config(folder: Path, *, ensemble: bool) -> SelectConfig:
    x, y = make_classification(
        12_000,
        n_features=14,
        n_informative=10,
        n_redundant=0,
        n_classes=12,
        n_clusters_per_class=3,
        class_sep=2.5,
        flip_y=0.01,
        random_state=0,
    )
    np.savez(folder / "blobs.npz", x=x.astype(np.float32), y=y)
    flags = {
        "data": folder / "blobs.npz",
        "vary": ["dropout=0.1"],
        "hidden": [64],
        "epochs": 40,
        "folds": 4,
        "test_fraction": 0.8,
        "ensemble": ensemble,
    }
    where = {"models": folder / "models", "report": "none", "threads": 1}
    return read_settings(SelectConfig, None, flags | where)


@pytest.fixture(scope="module", params=[True, False], ids=["ensemble", "refit"])
def selected(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[SelectConfig, Run]:
    config = _config(tmp_path_factory.mktemp("rehearsed"), ensemble=request.param)
    return config, run_selection(config)


def test_sets_of_what_is_published_cover_new_rows_as_often_as_asked(
    selected: tuple[SelectConfig, Run],
) -> None:
    config, done = selected
    calibration = done.manifest.calibration
    assert calibration is not None
    data = prepare(config.resolved())
    test = data.split.test
    probabilities = done.model.probabilities(data.table.features[test])
    given = probabilities[np.arange(len(test)), data.table.class_index[test]]

    sigmas = {}
    for percent in (50, 80, 90, 95):
        share = percent / 100
        spread = math.sqrt(share * (1 - share) * (1 / len(test) + 1 / calibration.rows))
        covered = float((given >= calibration.thresholds[percent - 1]).mean())
        sigmas[percent] = (covered - share) / spread
    assert max(map(abs, sigmas.values())) < 3


def test_validation_scores_are_of_rows_that_no_member_saw(
    selected: tuple[SelectConfig, Run],
) -> None:
    _, done = selected
    scores, calibration = done.manifest.scores, done.manifest.calibration
    assert calibration is not None

    assert scores.validation.rows == calibration.rows
    # They tell of new rows what test rows do, within what so few rows can tell.
    assert scores.validation.accuracy == pytest.approx(scores.test.accuracy, abs=0.07)


def test_single_network_of_a_large_table_is_calibrated_on_rows_kept_back(
    selected: tuple[SelectConfig, Run],
) -> None:
    config, done = selected
    rows, calibration = done.manifest.table.rows, done.manifest.calibration
    assert calibration is not None

    assert rows["training"] + rows["validation"] == 2399
    assert rows["validation"] == (0 if config.ensemble else 240)
    assert calibration.rows == (2160 if config.ensemble else 240)
    assert done.manifest.scores.validation.rows == calibration.rows


@pytest.mark.parametrize(
    ("rows", "left_out_at_once", "asked"),
    [(10, 1, 10), (400, 40, 400), (6000, 600, 2400), (19_000, 1900, 3800), (60_000, 2000, 2000)],
)
def test_as_many_tenths_are_left_out_as_make_two_thousand_rows(
    rows: int, left_out_at_once: int, asked: int
) -> None:
    parts = left_out(_ground(rows), seed=1)

    together = np.concatenate(parts)
    assert len(parts[0]) == left_out_at_once
    assert len(together) == len(set(together.tolist())) == asked


def test_no_member_is_asked_about_a_row_that_it_was_trained_or_stopped_on() -> None:
    ground = _ground(300)
    config = RunConfig(dataset="iris").resolved()

    for part in left_out(ground, seed=1):
        for job in jobs_without(ground, settled(config, 200), part):
            used = np.concatenate([job.training.numpy(), job.validation.numpy()])
            assert not set(used.tolist()) & set(part.tolist())
            assert len(used) == 300 - len(part)


def test_rows_of_one_group_are_left_out_together() -> None:
    groups = np.arange(300, dtype=np.int64) // 7
    ground = replace(_ground(300), groups=groups)

    for part in left_out(ground, seed=1):
        rest = np.setdiff1d(np.arange(300), part)
        assert not set(groups[part].tolist()) & set(groups[rest].tolist())


def test_dominant_group_is_not_what_is_kept_back() -> None:
    groups = np.concatenate([np.zeros(5000, np.int64), 1 + np.arange(2000) // 50])
    ground = replace(_ground(7000), groups=groups)

    first = left_out(ground, seed=1)[0]

    assert len(first) < 1500
    assert not (groups[first] == 0).any()


def test_few_groups_beside_a_large_one_are_too_few_to_calibrate_an_ensemble_on() -> None:
    groups = np.concatenate([np.zeros(30, np.int64), [1, 2, 3]])
    ground = replace(_ground(33), groups=groups)
    config = settled(RunConfig(dataset="iris", epochs=1).resolved(), 22)

    found = ensemble_logits(ground, config, NoCheckpoint(), Unwatched())

    assert set(found.rows.tolist()) == {30, 31, 32}


def test_network_that_diverges_when_it_is_fitted_again_is_told() -> None:
    config = settled(
        RunConfig(
            dataset="iris", epochs=30, learning_rate=1e18, activation="leaky_relu"
        ).resolved(),
        200,
    )

    with pytest.raises(Diverged, match="fitted again answers what is no number"):
        refit_calibrated(_ground(300), config, 30, lambda _: NoCheckpoint())


def _ground(rows: int) -> Ground:
    class_index = np.arange(rows, dtype=np.int64) % 3
    features = numbers_only(np.random.default_rng(0).random((rows, 2), dtype=np.float32))
    columns = (Column("a", "number"), Column("b", "number"))
    learned = learn(features, columns, scaling="robust", bins=0)
    table = Rows(learned.preprocessing.encode(features), torch.from_numpy(class_index))
    parts = stratified_folds(class_index, ("u", "v", "w"), folds=3, seed=1)
    return Ground(learned.preprocessing, 3, tuple(fold_rows(parts)), table)
