"""What a run says at its end: commands that work as they stand."""

import csv
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from service.model_repository.layout import MANIFEST
from service.model_repository.manifest import Manifest, parse_manifest
from tests.end_to_end.conftest import Serve
from tests.service_process import ROOT
from training.__main__ import main
from training.next_steps import command_line, next_lines, python

Capture = pytest.CaptureFixture[str]
CURL = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


def _shipped(name: str) -> tuple[Path, Manifest]:
    folder = ROOT / "models" / name / "1"
    return folder, parse_manifest((folder / MANIFEST).read_bytes())


def _curl(lines: list[str]) -> str:
    """The command that asks the model, as it stands in the lines."""
    start = next(place for place, line in enumerate(lines) if line.startswith("then ask it"))
    end = next(place for place, line in enumerate(lines) if line.startswith("classify"))
    return "\n".join(lines[start + 1 : end])


def _answer(command: str, url: str) -> dict[str, Any]:
    ran = subprocess.run(
        ["/bin/sh", "-c", command.replace("http://", "").replace("localhost:8000", url[7:])],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


@CURL
@pytest.mark.parametrize("name", ["digits", "penguins", "fashion-128"])
def test_curl_of_a_shipped_model_works_as_it_stands(name: str, shipped_url: str) -> None:
    folder, manifest = _shipped(name)

    answer = _answer(_curl(list(next_lines(folder, manifest))), shipped_url)

    assert answer["model_name"] == name
    (prediction,) = answer["predictions"]
    assert prediction["label"] in manifest.labels


@pytest.fixture
def shipped_url(serve: Serve) -> str:
    return str(serve(ROOT / "models").base_url)


@CURL
def test_run_ends_with_how_to_serve_ask_and_read_of_it(
    tmp_path: Path, serve: Serve, capsys: Capture
) -> None:
    rows = [
        (i % 7, f"it's {i % 3}", "true", f"2024-05-{i % 28 + 1:02d}", "uv"[i % 2])
        for i in range(60)
    ]
    data = tmp_path / "rows.csv"
    with data.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([('he said "x"', "côté's", "z", "joined", "y"), *rows])
    models = tmp_path / "my models"

    flags = ["--data", str(data), "--target", "y", "--models", str(models), "--epochs", "2"]
    assert main(["fit", *flags, "--categorical", "z"]) == 0

    out = capsys.readouterr().out.splitlines()
    at = out.index(f"published   {models}/rows/1")
    lines = out[at + 2 :]
    assert lines[0].startswith("next: serve it; a service that is running takes it up when")
    assert lines[1] == f"  {python()} -m service --models '{models}'"
    assert lines[-1] == f"  {models}/rows/1/card.md"
    assert _answer(_curl(lines), str(serve(models).base_url))["model_name"] == "rows"


def test_lines_that_are_made_up_here_fit_a_screen() -> None:
    for name in ("digits", "penguins", "fashion-128"):
        lines = list(next_lines(*_shipped(name)))
        assert max(len(re.sub(r"/\S+/", "", line)) for line in lines) <= 100


@CURL
def test_row_of_very_many_numbers_is_made_by_the_shell(serve: Serve, tmp_path: Path) -> None:
    rows = "\n".join(",".join([str(i % 2), *[str(i % 5)] * 299]) for i in range(40))
    (tmp_path / "wide.csv").write_text(
        ",".join(["y", *[f"x{i}" for i in range(299)]]) + "\n" + rows
    )
    flags = ["--data", str(tmp_path / "wide.csv"), "--target", "y", "--epochs", "1"]
    assert main(["fit", *flags, "--models", str(tmp_path), "--report", "none"]) == 0
    folder = tmp_path / "wide/1"

    lines = list(next_lines(folder, parse_manifest((folder / MANIFEST).read_bytes())))

    assert "[0] * 299" in _curl(lines)
    assert lines[-1].endswith("--out predictions.csv")
    assert _answer(_curl(lines), str(serve(tmp_path).base_url))["model_name"] == "wide"


def test_command_that_goes_on_repeats_no_password() -> None:
    storage = "postgresql+psycopg://me:secret@host/search"

    line = command_line(["select", "--resume", "--storage", storage, "--name", "my model"], "--x")

    assert line == (
        f"{python()} -m training select --storage postgresql+psycopg://me:PASSWORD@host/search "
        "--name 'my model' --x"
    )
