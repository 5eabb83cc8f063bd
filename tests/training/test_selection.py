"""A selection from table to published version."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.inference.onnx_model import OnnxModel
from service.model_repository.layout import ARTIFACT
from training.candidates import candidates
from training.config_file import read_settings
from training.cross_validation import CrossValidation
from training.errors import ConfigInvalid, Diverged
from training.finish import Run
from training.prepare import prepare
from training.select_config import SelectConfig
from training.selection import run_selection

VARY = ["dropout=0.1,0.3", "hidden=16,32"]


def _config(tmp_path: Path, **flags: Any) -> SelectConfig:
    common = {
        "models": tmp_path / "models",
        "runs": tmp_path / "runs",
        "report": "none",
        "threads": 1,
    }
    settings = {"dataset": "wine", "vary": VARY, "epochs": 40, **common, **flags}
    return read_settings(SelectConfig, None, settings)


@pytest.fixture(scope="module")
def selected(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run_selection(_config(tmp_path_factory.mktemp("selected")))


def test_every_setting_is_told_with_its_folds(selected: Run) -> None:
    selection = selected.manifest.selection
    assert selection is not None

    assert [s.values for s in selection.settings] == [
        {"dropout": d, "hidden": h} for d in (0.1, 0.3) for h in ([16], [32])
    ]
    assert all(len(s.log_losses) == 5 for s in selection.settings)
    chosen = selection.settings[selection.chosen]
    assert list(selected.manifest.network.widths[1:-1]) == chosen.values["hidden"]
    assert selected.manifest.settings["dropout"] == [chosen.values["dropout"]]


def test_all_rows_but_the_test_rows_are_trained_and_validated_on(selected: Run) -> None:
    manifest = selected.manifest

    assert manifest.table.rows == {"training": 142, "validation": 0, "test": 36}
    assert manifest.scores.validation.rows == 142
    assert manifest.scores.test.rows == 36
    assert manifest.scores.test.accuracy > 0.9


def test_same_selection_gives_the_same_bytes(selected: Run, tmp_path: Path) -> None:
    again = run_selection(_config(tmp_path))

    assert (again.folder / ARTIFACT).read_bytes() == (selected.folder / ARTIFACT).read_bytes()
    assert not (tmp_path / "runs").exists()


def test_ensemble_is_the_mean_of_the_folds_networks_in_one_graph(tmp_path: Path) -> None:
    config = _config(tmp_path, ensemble=True, folds=3, uncertainty=5)
    done = run_selection(config)

    assert done.manifest.network.members == 3
    opened = OnnxModel((done.folder / ARTIFACT).read_bytes(), done.manifest.signature)
    data = prepare(config.resolved())
    rows = data.table.features[data.split.test]
    np.testing.assert_allclose(
        opened.probabilities(rows), done.model.probabilities(rows), atol=1e-6
    )
    assert opened.run(rows, ["hidden_1"])[0].shape[1] == 3 * done.manifest.network.widths[1]
    uncertainty = done.manifest.uncertainty
    assert uncertainty is not None
    assert uncertainty.separation > 0.5


def test_halving_gives_up_the_worst_and_says_so(tmp_path: Path) -> None:
    done = run_selection(
        _config(tmp_path, vary=["learning_rate=0.00001:0.05"], settings=9, epochs=36)
    )

    assert done.manifest.selection is not None
    settings = done.manifest.selection.settings
    ends = [setting.ended for setting in settings]
    assert ends.count("given up after 4 epochs") == 6
    assert ends.count("given up after 12 epochs") == 2
    assert settings[done.manifest.selection.chosen].ended is None


def test_setting_that_diverges_is_told_and_not_chosen(tmp_path: Path) -> None:
    done = run_selection(_config(tmp_path, vary=["learning_rate=0.02,1000"], epochs=5))

    assert done.manifest.selection is not None
    assert [s.ended for s in done.manifest.selection.settings] == [None, "diverged"]
    assert done.manifest.selection.chosen == 0


def test_search_in_which_everything_diverges_says_what_to_try(tmp_path: Path) -> None:
    with pytest.raises(Diverged, match="try smaller learning rates"):
        run_selection(_config(tmp_path, vary=["learning_rate=1000,2000"], epochs=5))


def test_batch_normalisation_is_cross_validated_one_by_one(tmp_path: Path) -> None:
    done = run_selection(
        _config(tmp_path, vary=["batch_normalisation=true,false"], dropout=[0.0], epochs=5)
    )

    assert done.manifest.selection is not None
    assert all(s.ended is None for s in done.manifest.selection.settings)


def test_learning_curve_grows_to_all_rows(tmp_path: Path) -> None:
    done = run_selection(_config(tmp_path, learning_curve=True, epochs=10))

    rows = [point.rows for point in done.manifest.learning_curve]
    assert rows == sorted(rows)
    assert rows[-1] in (113, 114)
    assert all(len(point.log_losses) == 5 for point in done.manifest.learning_curve)


def test_learning_curve_pulls_at_the_weights_as_its_own_rows_ask_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: dict[int, set[float]] = {}
    made = CrossValidation.__init__

    def recorded(self: CrossValidation, jobs: Any, *rest: Any) -> None:
        for job in jobs:
            trained.setdefault(len(job.training), set()).add(job.how.weight_decay)
        made(self, jobs, *rest)

    monkeypatch.setattr(CrossValidation, "__init__", recorded)
    run_selection(
        _config(
            tmp_path,
            dataset="digits",
            vary=["hidden=4"],
            learning_curve=True,
            epochs=2,
            folds=2,
        )
    )

    assert len(trained) >= 5
    for rows, decays in trained.items():
        assert list(decays) == pytest.approx([min(0.003, 3.5 / rows)], rel=0.01)


def test_learning_curve_of_many_rows_trains_as_long_as_the_winner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: set[int] = set()
    made = CrossValidation.__init__

    def recorded(self: CrossValidation, jobs: Any, *rest: Any) -> None:
        trained.update(job.how.epochs for job in jobs)
        made(self, jobs, *rest)

    monkeypatch.setattr(CrossValidation, "__init__", recorded)
    monkeypatch.setattr("training.candidates.MANY_ROWS", 100)
    monkeypatch.setattr("training.candidates._EPOCHS_IF_MANY", 2)
    asked = {
        "dataset": "wine",
        "vary": ["hidden=4"],
        "folds": 2,
        "learning_curve": True,
        "models": tmp_path,
        "report": "none",
        "threads": 1,
    }
    run_selection(read_settings(SelectConfig, None, asked))

    assert trained == {2}


def test_class_with_fewer_rows_than_folds_has_one_in_each_of_fewer_folds(tmp_path: Path) -> None:
    x, y = np.random.default_rng(0).normal(size=(40, 3)), np.repeat([0, 1], [34, 6])
    np.savez(tmp_path / "rare.npz", x=x, y=y)

    done = run_selection(
        _config(tmp_path, dataset=None, data=tmp_path / "rare.npz", folds=10, epochs=3)
    )

    assert done.manifest.selection is not None
    assert done.manifest.selection.folds == 5
    assert (
        "the class '1' has 5 rows that are not test rows: 5 folds in place of 10, so that each has "
        "one"
    ) in done.manifest.table.notes


def test_settings_without_dropout_are_not_tried_where_uncertainty_is_asked_for(
    tmp_path: Path,
) -> None:
    done = run_selection(_config(tmp_path, vary=["dropout=0,0.2"], uncertainty=5, epochs=3))

    assert done.manifest.selection is not None
    assert [s.values for s in done.manifest.selection.settings] == [{"dropout": 0.2}]


@pytest.mark.parametrize("seed", range(1, 6))
def test_random_search_has_as_many_settings_with_dropout_as_are_asked_for(
    seed: int, tmp_path: Path
) -> None:
    config = _config(
        tmp_path,
        vary=["dropout=0,0.5", "momentum=0.1,0.2,0.3,0.4"],
        settings=3,
        uncertainty=5,
        seed=seed,
    )

    tried = candidates(config, config.vary, 100)

    assert len(tried) == 3
    assert all(one.config.dropout == (0.5,) for one in tried)


@pytest.mark.parametrize("search", ["grid", "random", "tpe"])
def test_uncertainty_without_dropout_is_refused_before_the_search(
    search: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CrossValidation, "run", None)
    settings = {"settings": 2} if search != "grid" else {}

    with pytest.raises(ConfigInvalid, match="--uncertainty 5 comes from dropout"):
        run_selection(
            _config(tmp_path, vary=["dropout=0"], search=search, uncertainty=5, **settings)
        )


def test_uncertainty_without_dropout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match="--uncertainty 5 comes from dropout"):
        run_selection(_config(tmp_path, vary=["dropout=0"], uncertainty=5, epochs=3))
