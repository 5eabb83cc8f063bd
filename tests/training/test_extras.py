"""Packages that only some settings need are missed before anything is trained."""

import sys
from pathlib import Path

import pytest

from training.__main__ import main


@pytest.mark.parametrize(
    ("command", "said", "package"),
    [
        ("fit --mlflow sqlite:///x.db", "--mlflow", "mlflow"),
        ("fit --tensorboard events", "--tensorboard", "tensorboard"),
        ("select --mlflow sqlite:///x.db", "--mlflow", "mlflow"),
        ("select --search tpe", "--search tpe", "optuna"),
        (
            "select --search tpe --storage postgresql+psycopg://u@h/d --worker",
            "--storage postgresql+psycopg://...",
            "psycopg",
        ),
    ],
)
def test_package_that_is_missing_is_told_before_the_run_begins(
    command: str,
    said: str,
    package: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, package, None)

    status = main([*command.split(), "--dataset", "iris", "--epochs", "2"])

    assert status == 2
    assert capsys.readouterr().err == (
        f"mlpserve: {said} needs the package {package}, which is missing: "
        "`make extras` installs it in a checkout\n"
    )
    assert not list(tmp_path.iterdir())
