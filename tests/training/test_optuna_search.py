"""Searches that Optuna drives: they resume, and workers share them."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import optuna
import pytest
import sqlalchemy
from optuna.exceptions import ExperimentalWarning
from torch.nn.functional import cross_entropy

from service.model_repository.provenance import SettingScore
from training import optuna_search, search_storage
from training.candidates import Candidate
from training.config_file import read_settings
from training.errors import StorageFailed
from training.finish import Run
from training.interrupt import Interrupt
from training.network import evaluation_logits
from training.run_folder import RunFolder
from training.select_config import SelectConfig
from training.selection import run_selection, search_settings
from training.start import start

POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


def _flags(folder: Path, **flags: Any) -> dict[str, Any]:
    return {
        "dataset": "iris",
        "search": "tpe",
        "settings": 10,
        "epochs": 20,
        "threads": 1,
        "report": "none",
        "models": str(folder / "models"),
        "runs": str(folder / "runs"),
        **flags,
    }


def _select(folder: Path, *, resume: bool = False, **flags: Any) -> Run:
    config = read_settings(SelectConfig, None, _flags(folder, **flags))
    return run_selection(config, resume=resume)


def test_search_tries_as_many_settings_as_asked_for(tmp_path: Path) -> None:
    done = _select(tmp_path)

    selection = done.manifest.selection
    assert selection is not None
    assert selection.search == "tpe"
    assert len(selection.settings) == 10
    assert any(setting.ended for setting in selection.settings)
    assert selection.settings[selection.chosen].ended is None
    assert not (tmp_path / "runs").exists()


def test_manifest_holds_the_scores_of_the_networks_that_were_trained_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def elsewhere(*asked: Any, **also: Any) -> tuple[list[Candidate], tuple[SettingScore, ...]]:
        """Trials that another machine trained, which rounds otherwise."""
        tried, scores = tpe_search(*asked, **also)
        update = {"log_losses": (9.0, 9.0, 9.0), "best_epochs": (99, 99, 99)}
        return tried, tuple(score.model_copy(update=update) for score in scores)

    tpe_search = optuna_search.tpe_search
    monkeypatch.setattr(optuna_search, "tpe_search", elsewhere)
    flags = _flags(tmp_path, settings=6, epochs=6, folds=3)
    config = read_settings(SelectConfig, None, flags).resolved()
    begun = start(config, cross_validated=True)
    folder = RunFolder(config, begun.data.fingerprint, Interrupt())

    with folder.held(resume=False):
        selection, winner = search_settings(begun, config, folder)

    chosen, ground = selection.settings[selection.chosen], winner.ground
    best = [max((r for r in fold if r.is_best), key=lambda r: r.epoch) for fold in winner.records]
    assert chosen.values == winner.candidate.values
    assert chosen.log_losses == tuple(record.validation_loss for record in best)
    assert chosen.best_epochs == tuple(record.epoch for record in best)
    assert len(winner.networks) == 3
    for network, (_, rows), told in zip(
        winner.networks, ground.folds, chosen.log_losses, strict=True
    ):
        logits = evaluation_logits(network, ground.table.inputs[rows])
        loss = cross_entropy(logits, ground.table.class_index[rows]).item()
        assert loss == pytest.approx(told, rel=1e-5)


def test_stopped_search_goes_on_with_what_it_has_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = []

    def stop_at_the_second(self: Any, count: int) -> int:
        batches.append(count)
        if len(batches) == 2:
            raise KeyboardInterrupt
        return batch(self, count)

    batch = optuna_search._Search.batch
    monkeypatch.setattr(optuna_search._Search, "batch", stop_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        _select(tmp_path)
    (database,) = (tmp_path / "runs").glob("*/search.db")
    (kept,) = optuna.get_all_study_summaries(f"sqlite:///{database}")

    done = _select(tmp_path, resume=True)

    assert kept.n_trials == 8
    assert batches == [8, 2, 2]
    assert done.manifest.selection is not None
    assert len(done.manifest.selection.settings) == 10


def test_small_space_is_tried_once_and_no_setting_twice(tmp_path: Path) -> None:
    done = _select(tmp_path, vary=["dropout=0.1,0.2", "hidden=4,8"], epochs=4, folds=2)

    assert done.manifest.selection is not None
    found = [str(setting.values) for setting in done.manifest.selection.settings]
    assert len(found) == len(set(found)) == 4


def test_two_processes_ask_for_no_setting_twice(tmp_path: Path) -> None:
    flags = _flags(tmp_path, storage=f"sqlite:///{tmp_path}/shared.db", settings=8, epochs=4)
    flags |= {"folds": 2}
    command = [sys.executable, "-m", "training", "select", "--worker"]
    command += [text for name, value in flags.items() for text in (f"--{name}", str(value))]
    workers = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]

    answers = [worker.communicate(timeout=100) for worker in workers]

    assert [worker.returncode for worker in workers] == [0, 0], answers
    (study,) = optuna.get_all_study_summaries(flags["storage"])
    trials = optuna.load_study(study_name=study.study_name, storage=flags["storage"]).trials
    values = [str(t.user_attrs["score"]["values"]) for t in trials if "score" in t.user_attrs]
    assert len(values) == len(set(values)) >= 8


def test_database_that_cannot_be_reached_is_told_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(StorageFailed, match="the database cannot be opened") as failed:
        _select(tmp_path, storage="postgresql+psycopg://me:secret@127.0.0.1:1/none")

    assert "secret" not in str(failed.value)


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """A PostgreSQL server of one's own on a socket in a folder."""
    if not POSTGRES:
        pytest.skip("needs Debian's postgresql")
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    as_postgres = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    if as_postgres:
        shutil.chown(folder, "postgres")
    pg_ctl = [*as_postgres, str(POSTGRES[-1] / "pg_ctl"), "-D", str(folder / "data"), "-s", "-w"]
    try:
        subprocess.run([*pg_ctl, "-o", "--auth=trust", "init"], check=True, cwd=folder)
        options = f"-F -k {folder} -c listen_addresses="
        log = ["-l", str(folder / "log")]
        subprocess.run([*pg_ctl, *log, "-o", options, "start"], check=True, cwd=folder)
        yield f"postgresql+psycopg://postgres@/postgres?host={folder}"
    finally:
        subprocess.run([*pg_ctl, "-m", "immediate", "stop"], check=False, cwd=folder)
        shutil.rmtree(folder, ignore_errors=True)


def test_workers_that_start_together_agree_on_the_tables(database: str) -> None:
    engine = sqlalchemy.create_engine(database, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text("CREATE DATABASE together"))
    engine.dispose()
    url = database.replace("/postgres?", "/together?")

    with ThreadPoolExecutor(8) as workers, warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        opened = list(workers.map(search_storage.open_shared, [url] * 8))

    assert [storage.get_all_studies() for storage in opened] == [[]] * 8


def test_workers_share_one_search_in_postgresql(database: str, tmp_path: Path) -> None:
    flags = _flags(tmp_path, storage=database, settings=16)
    command = [sys.executable, "-m", "training", "select"]
    command += [text for name, value in flags.items() for text in (f"--{name}", str(value))]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        storage = search_storage.open_shared(database)
    worker = subprocess.Popen([*command, "--worker"], **pipes)
    while worker.poll() is None and not any(
        storage.get_n_trials(study._study_id) for study in storage.get_all_studies()
    ):
        time.sleep(0.1)
    searcher = subprocess.Popen(command, **pipes)

    answers = [process.communicate(timeout=100) for process in (worker, searcher)]

    assert worker.returncode == 0, answers[0][1]
    assert searcher.returncode == 0, answers[1][1]
    found = re.search(r"trained (\d+) settings for the search", answers[0][0])
    assert found is not None
    assert int(found[1]) >= 1
    # Both may ask at the same moment for what was missing.
    told = re.search(r"(\d+) settings by tpe search", answers[1][0])
    assert told is not None
    assert 16 <= int(told[1]) <= 24
    assert [path.name for path in (tmp_path / "models/iris").iterdir()] == ["1"]
