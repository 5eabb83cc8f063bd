"""look: what fit would say of a table, said without one."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.training.messy_table import write_messy
from training.__main__ import main
from training.config import RunConfig
from training.config_file import read_config
from training.look import lines, look, settings_toml
from training.start import start


@pytest.fixture(scope="module")
def messy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_messy(tmp_path_factory.mktemp("messy") / "messy.csv")


def _config(messy: Path, **settings: object) -> RunConfig:
    return RunConfig.model_validate({"data": messy, "target": "churn", **settings})


def test_everything_that_fit_says_of_a_messy_table_look_says(
    messy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = _config(messy, missing=["?"], models=tmp_path)

    start(config.resolved())

    said = capsys.readouterr().err.splitlines()
    looked = list(lines(look(config)))
    assert len(said) > 15
    assert [line for line in said if line not in looked] == []


def test_look_names_classes_rows_and_what_fit_would_stop_at_and_goes_on(messy: Path) -> None:
    looked = look(_config(messy))

    said = list(lines(looked))
    assert any(line.startswith("classes of churn: no 3") for line in said)
    assert (
        "fit stops at this: column 'income' holds 507 numbers and '?' in 13 rows: --missing '?' "
        "takes them as gaps, --categorical 'income' all of the column as text"
    ) in said
    assert "what else is said holds with --missing '?'" in said
    assert any(line.startswith("income       number") for line in said)


def test_settings_that_look_writes_give_fit_the_table_that_look_has_seen(
    messy: Path, tmp_path: Path
) -> None:
    looked = look(_config(messy, ignore=["comment"], hidden=[8]))
    path = tmp_path / "look.toml"
    path.write_text(settings_toml(looked, path), encoding="utf-8")

    config = read_config(path, {"models": tmp_path / "models"})

    assert tomllib.loads(path.read_text(encoding="utf-8"))["missing"] == ["?"]
    assert config.hidden == (8,)
    again = start(config.resolved()).data
    assert again.fingerprint == looked.begun.data.fingerprint
    assert again.table.columns == looked.begun.data.table.columns


def test_names_of_all_characters_come_through_the_file_of_settings(tmp_path: Path) -> None:
    name = 'a "b" \\ \u007f \U0001f600 ä'
    table = tmp_path / "t.csv"
    rows = "".join(f"{'uv'[i % 2]}{i % 5 < 2},{'xy'[i % 2]}\n" for i in range(60))
    table.write_text('"' + name.replace('"', '""') + f'",y\n{rows}', encoding="utf-8")

    looked = look(RunConfig(data=table, target="y"))

    content = tomllib.loads(settings_toml(looked, tmp_path / "look.toml"))
    assert content["categorical"] == [name]


def test_look_trains_and_writes_nothing(
    messy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    status = main(["look", "--data", str(messy), "--target", "churn"])

    assert status == 0
    assert "note: column 'income' is read as numbers" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_dates_are_settled_in_the_file_of_settings_or_left_out_of_it(tmp_path: Path) -> None:
    table, path = tmp_path / "t.csv", tmp_path / "look.toml"
    rows = "".join(
        f"{i % 28 + 1}.{i % 12 + 1}.2024,{i % 12 + 1}/{i % 11 + 1}/2024,2024-02-{i % 30 + 1:02},"
        f"2024-03-{i % 30 + 1:02},{'xy'[i % 2]}\n"
        for i in range(60)
    )
    table.write_text(f"dots,either,wrong,iso,y\n{rows}", encoding="utf-8")

    looked = look(RunConfig(data=table, target="y"))

    said = [line for line in lines(looked) if line.startswith("fit stops at this: ")]
    assert [line.split("'")[1] for line in said] == ["either", "wrong"]
    path.write_text(settings_toml(looked, path), encoding="utf-8")
    config = read_config(path, {"models": tmp_path / "models"})
    assert config.date == ("dots=dd.mm.yyyy", "iso")
    assert config.ignore == ("either", "wrong")
    assert start(config.resolved()).data.table.columns == looked.begun.data.table.columns


def test_look_does_without_what_takes_longer_to_import_than_to_look(messy: Path) -> None:
    script = (
        "import sys; from training.__main__ import main; "
        "status = main(sys.argv[1:]); "
        "heavy = {'torch', 'sklearn', 'onnx', 'onnxruntime', 'matplotlib'} & sys.modules.keys(); "
        "sys.exit(status or ', '.join(sorted(heavy)) or 0)"
    )

    done = subprocess.run(
        [sys.executable, "-c", script, "look", "--data", messy, "--target", "churn"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "classes of churn" in done.stdout
