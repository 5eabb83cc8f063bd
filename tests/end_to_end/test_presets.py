"""What the presets promise, on the real images: make test-large."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.service_process import ROOT

pytestmark = pytest.mark.large


@pytest.fixture(autouse=True)
def _only_when_asked_for(request: pytest.FixtureRequest) -> None:
    if "large" not in request.config.getoption("-m"):
        pytest.skip("run by make test-large")


@pytest.mark.parametrize(
    ("preset", "accuracy", "seconds"), [("fashion-mnist", 0.903, 600), ("seed", 0.85, 600)]
)
def test_preset_reaches_its_test_accuracy_in_its_time(
    preset: str, accuracy: float, seconds: float, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "training", "fit", "--preset", preset]
    began = time.monotonic()

    done = subprocess.run(
        [*command, "--models", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert time.monotonic() - began <= seconds
    (manifest,) = tmp_path.glob("*/1/manifest.json")
    scores = json.loads(manifest.read_text())["scores"]
    assert scores["test"]["rows"] == 10_000
    assert scores["test"]["accuracy"] >= accuracy
