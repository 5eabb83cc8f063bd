"""--publish-best: a run that was stopped is published as it was then, and trains no further."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from service.model_repository.layout import ARTIFACT
from training import optuna_search, pipeline
from training.config_file import read_config, read_settings
from training.errors import CheckpointFailed
from training.fitting.checkpoint import CheckpointFile
from training.fitting.early_stopping import EpochRecord
from training.interrupt import Stopped
from training.pipeline import run
from training.search_progress import SearchProgress
from training.select_config import SelectConfig
from training.selection import run_selection, run_worker

TRAINING = {"optimiser": "sgd", "schedule": "constant", "hidden": [16], "dropout": [0.2]}


def _flags(folder: Path, **more: Any) -> dict[str, Any]:
    places = {"models": folder / "models", "runs": folder / "runs", "report": "none"}
    return {"dataset": "iris", "threads": 1, **TRAINING, **places, **more}


def _stop_after(epochs: int, patched: pytest.MonkeyPatch) -> None:
    """Every epoch of a fit is kept, and a Ctrl-C comes after so many."""

    def until(records: Iterable[EpochRecord], *_: object) -> Iterator[EpochRecord]:
        yield from islice(records, epochs)
        raise Stopped(2)

    patched.setattr(CheckpointFile, "is_due", True)
    patched.setattr(pipeline, "with_event_files", until)


def test_best_epoch_so_far_is_what_a_run_of_so_many_epochs_would_publish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = read_config(None, _flags(tmp_path, epochs=50, patience=50))
    with monkeypatch.context() as patched:
        _stop_after(7, patched)
        with pytest.raises(Stopped) as stopped:
            run(config)

    done = run(config, publish_best=True)

    assert stopped.value.can_publish
    short = run(read_config(None, _flags(tmp_path / "short", epochs=7, patience=50)))
    assert (done.folder / ARTIFACT).read_bytes() == (short.folder / ARTIFACT).read_bytes()
    assert done.manifest.history == short.manifest.history
    assert done.manifest.table.notes[-1] == (
        "training was stopped after epoch 7 of at most 50: what is published is the best until "
        f"then, epoch {done.manifest.history.best_epoch}"
    )
    assert not (tmp_path / "runs").exists()


def test_run_of_which_nothing_was_kept_is_told(tmp_path: Path) -> None:
    config = read_config(None, _flags(tmp_path))

    with pytest.raises(CheckpointFailed, match="there is nothing to resume"):
        run(config, publish_best=True)

    assert not list((tmp_path / "models").glob("iris/*"))


def test_best_of_the_settings_that_tpe_has_tried_is_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = _flags(tmp_path, epochs=4, folds=2, search="tpe", settings=12)
    config = read_settings(SelectConfig, None, {**flags, "vary": ["dropout=0:0.5"]})
    batch = optuna_search._Search.batch
    begun: list[int] = []

    def once(search: optuna_search._Search, count: int) -> int:
        if begun:
            raise Stopped(2)
        begun.append(count)
        return batch(search, count)

    with monkeypatch.context() as patched:
        patched.setattr(optuna_search._Search, "batch", once)
        with pytest.raises(Stopped) as stopped:
            run_selection(config)

    done = run_selection(config, publish_best=True)

    assert stopped.value.can_publish
    assert done.manifest.selection is not None
    assert len(done.manifest.selection.settings) == begun[0] < 12
    assert "--publish-best ended the search" in done.manifest.table.notes[-1]


def test_best_of_the_settings_that_are_trained_in_part_is_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = _flags(tmp_path, epochs=60, patience=60, folds=2, vary=["dropout=0.1,0.4"])
    config = read_settings(SelectConfig, None, flags)

    def stop(_progress: SearchProgress, epoch: int, *_: object) -> None:
        if epoch == 6:
            raise Stopped(2)

    with monkeypatch.context() as patched:
        patched.setattr(CheckpointFile, "is_due", True)
        patched.setattr(SearchProgress, "advance", stop)
        with pytest.raises(Stopped):
            run_selection(config)

    done = run_selection(config, publish_best=True)

    assert done.manifest.selection is not None
    assert len(done.manifest.selection.settings) == 2
    assert len(done.manifest.history.epochs) == 5
    assert "--publish-best ended the search" in done.manifest.table.notes[-1]


def test_search_that_has_tried_nothing_yet_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = _flags(tmp_path, epochs=4, folds=2, search="tpe", settings=3)
    config = read_settings(SelectConfig, None, {**flags, "vary": ["dropout=0:0.5"]})

    def never(*_: object) -> int:
        raise Stopped(2)

    with monkeypatch.context() as patched:
        patched.setattr(optuna_search._Search, "batch", never)
        with pytest.raises(Stopped):
            run_selection(config)

    with pytest.raises(CheckpointFailed, match="no setting has been trained on every fold yet"):
        run_selection(config, publish_best=True)


def test_worker_that_is_stopped_says_that_its_settings_are_in_the_storage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = f"sqlite:///{tmp_path / 'search.db'}"
    flags = _flags(tmp_path, epochs=2, folds=2, search="tpe", settings=3, storage=storage)

    def never(*_: object) -> int:
        raise Stopped(15)

    monkeypatch.setattr(optuna_search._Search, "batch", never)
    with pytest.raises(Stopped) as stopped:
        run_worker(read_settings(SelectConfig, None, {**flags, "worker": True}))

    assert stopped.value.exit_status == 143
    assert stopped.value.left.startswith("the settings that were trained to their end are in ")
