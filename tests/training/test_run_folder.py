"""A run folder: one process at a time, found again, and never published twice."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.service_process import ROOT
from training.__main__ import main
from training.config import RunConfig
from training.config_file import read_config
from training.errors import AlreadyPublished, CheckpointFailed, RunIsGoing
from training.interrupt import Interrupt, Stopped
from training.pipeline import run
from training.run_folder import RunFolder
from training.run_record import RunRecord

Capture = pytest.CaptureFixture[str]


def _config(folder: Path, **flags: Any) -> RunConfig:
    places = {"models": folder / "models", "runs": folder / "runs", "report": "none"}
    return read_config(None, {"dataset": "iris", "epochs": 3, **places, **flags})


def _folder(folder: Path, **flags: Any) -> RunFolder:
    return RunFolder(_config(folder, **flags).resolved(), "a table", Interrupt())


def test_second_process_of_the_same_run_is_told_and_takes_nothing_away(tmp_path: Path) -> None:
    first = _folder(tmp_path)

    with first.held(resume=False):
        first.checkpoint("fit", []).save({"epoch": 1})
        with (
            pytest.raises(RunIsGoing, match=r"the same run is going on in process [0-9]+: wait"),
            _folder(tmp_path).held(resume=False),
        ):
            pass
        assert (first.path / "fit.pt").exists()

    with _folder(tmp_path).held(resume=True):
        assert (first.path / "fit.pt").exists()


def test_run_of_another_machine_is_told_and_goes_on_only_if_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("training.run_record.host_name", lambda: "elsewhere")
        kept = _folder(tmp_path)
    with kept.held(resume=False):
        kept.checkpoint("fit", []).save({})

    with (
        pytest.raises(RunIsGoing, match=r"begun on the machine elsewhere, in process .* --resume"),
        _folder(tmp_path).held(resume=False),
    ):
        pass
    assert (kept.path / "fit.pt").exists()

    with _folder(tmp_path).held(resume=True):
        assert (kept.path / "fit.pt").exists()


def test_run_of_another_machine_before_its_first_checkpoint_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("training.run_record.host_name", lambda: "elsewhere")
        going = _folder(tmp_path)
    going.path.mkdir(parents=True)
    going._record.write(going.path)

    with pytest.raises(RunIsGoing), _folder(tmp_path).held(resume=False):
        pass

    assert RunRecord.read(going.path) == going._record


def test_folder_without_a_checkpoint_does_not_stay(tmp_path: Path) -> None:
    with _folder(tmp_path / "new").held(resume=False):
        pass

    assert not list(tmp_path.iterdir())


def test_run_that_is_not_there_is_told_with_what_differs(tmp_path: Path) -> None:
    kept = _folder(tmp_path, epochs=60, hidden=[16])
    with kept.held(resume=False):
        kept.checkpoint("fit", []).save({})

    sentence = (
        rf"; of those that were, {kept.path.name} differs \(--epochs 60 there, 3 here, --hidden 16 "
    )
    with pytest.raises(CheckpointFailed, match=sentence), _folder(tmp_path).held(resume=True):
        pass


def test_run_that_was_killed_after_publishing_is_not_published_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    with monkeypatch.context() as killed:
        killed.setattr(RunFolder, "remove", _killed)
        with pytest.raises(SystemExit):
            run(_config(tmp_path))

    with pytest.raises(AlreadyPublished, match="models/iris/1 is what this run has published"):
        run(_config(tmp_path), resume=True)
    assert [path.name for path in (tmp_path / "models/iris").iterdir()] == ["1"]
    assert not (tmp_path / "runs").exists()
    assert "nothing left" not in capsys.readouterr().out


def _killed(_folder: RunFolder) -> None:
    raise SystemExit


def _save_and_stop(folder: RunFolder) -> None:
    folder.checkpoint("fit", []).save({})
    raise Stopped(15)


def test_stopped_run_says_what_there_is_of_it(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    with pytest.raises(Stopped) as early, folder.held(resume=False):
        raise Stopped(2)
    with pytest.raises(Stopped) as late, folder.held(resume=False):
        _save_and_stop(folder)

    assert early.value.left == "nothing was published, and there is no checkpoint yet to go on from"
    assert not early.value.can_go_on
    assert late.value.left == f"nothing was published; what was trained is kept in {folder.path}"
    assert late.value.can_go_on
    assert late.value.can_publish
    assert (early.value.exit_status, late.value.exit_status) == (130, 143)


def test_runs_folder_that_cannot_be_written_is_told(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "file").write_text("")
    places = ["--models", str(tmp_path / "models"), "--runs", str(tmp_path / "file/runs")]

    status = main(["fit", "--dataset", "iris", "--epochs", "2", *places])

    assert status == 2
    assert "cannot be written: Not a directory: --runs names another folder" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize("limit", [1, 6], ids=["no room at all", "room for no checkpoint"])
def test_full_disk_under_the_runs_folder_is_told_in_a_sentence(tmp_path: Path, limit: int) -> None:
    command = (
        f"ulimit -f {limit}; exec {sys.executable} -m training fit --dataset iris --report none "
        f"--epochs 9000 --patience 9000 --threads 1 --models {tmp_path}/m --runs {tmp_path}/r"
    )

    ended = subprocess.run(
        ["/bin/bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert ended.returncode == 2, ended.stderr
    assert "cannot be written: File too large" in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr
