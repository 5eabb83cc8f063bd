"""Commands on tables with dates: the version knows how its files write them."""

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from service.inference.predictor import open_version
from service.model_repository.layout import read_version
from tests.training.conftest import read_features
from training.__main__ import main
from training.config_file import read_config
from training.finish import Run
from training.pipeline import run
from training.prepare import prepare


def _frame(rows: int = 200, seed: int = 0) -> pl.DataFrame:
    generator = np.random.default_rng(seed)
    days = generator.integers(0, 900, rows)
    dates = [dt.date(2021, 1, 1) + dt.timedelta(int(day)) for day in days]
    return pl.DataFrame(
        {"on": dates, "x": generator.normal(size=rows), "y": [d.weekday() > 4 for d in dates]}
    )


def _csv(path: Path, frame: pl.DataFrame, form: str = "%d/%m/%Y") -> Path:
    frame.with_columns(pl.col("on").dt.strftime(form)).write_csv(path)
    return path


@pytest.fixture(scope="module")
def dated(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("dated")
    settings = {
        "data": _csv(folder / "rows.csv", _frame()), "target": "y", "epochs": 5,
        "models": folder / "models", "report": "plots", "uncertainty": 3,
    }  # fmt: skip
    return run(read_config(None, settings))


def test_files_to_classify_may_write_dates_as_the_table_did_or_as_iso(
    dated: Run, tmp_path: Path
) -> None:
    rows = _frame(50, seed=1)
    as_table, as_iso = _csv(tmp_path / "a.csv", rows), _csv(tmp_path / "b.csv", rows, "%Y-%m-%d")
    rows.write_parquet(tmp_path / "c.parquet")

    answers = []
    for path in (as_table, as_iso, tmp_path / "c.parquet"):
        out = path.with_suffix(".out")
        assert main(["predict", str(dated.folder), "--data", str(path), "--out", str(out)]) == 0
        answers.append(out.read_bytes())

    assert answers[0] == answers[1] == answers[2]


def test_its_own_table_is_known_again(dated: Run, capsys: pytest.CaptureFixture[str]) -> None:
    rows = dated.folder.parent.parent.parent / "rows.csv"

    assert main(["evaluate", str(dated.folder), "--data", str(rows)]) == 0

    said = capsys.readouterr()
    assert "trained on this table" in said.out + said.err


def test_bad_date_in_a_file_to_classify_is_told(
    dated: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("on,x\n01/02/2021,1\n02/13/2021,1\n", encoding="utf-8")

    assert main(["predict", str(dated.folder), "--data", str(path)]) != 0

    told = "row 2, column 'on': expected a date such as 31/05/2024, got '02/13/2021'"
    assert told in capsys.readouterr().err


def test_test_rows_of_another_kind_of_file_are_read_alike(tmp_path: Path) -> None:
    _frame(60, seed=2).write_parquet(tmp_path / "test.parquet")
    settings = {
        "data": _csv(tmp_path / "rows.csv", _frame()), "target": "y",
        "test": tmp_path / "test.parquet", "models": tmp_path,
    }  # fmt: skip

    table = prepare(read_config(None, settings).resolved()).table

    days = [(day - dt.date(1970, 1, 1)).days for day in _frame(60, seed=2).get_column("on")]
    assert table.features.numeric[-60:, 0].tolist() == days


def test_card_shows_dates_and_the_published_version_opens(dated: Run) -> None:
    card = (dated.folder / "card.md").read_text(encoding="utf-8")
    models = dated.folder.parent.parent

    opened = open_version(read_version(dated.folder, root=models, name="rows", number=1))

    assert "| on | date (in files dd/mm/yyyy) | 2021-01-0" in card
    features = read_features(models.parent / "rows.csv", opened.manifest.signature)
    expected = dated.model.probabilities(features)
    np.testing.assert_allclose(opened.predict(features).probabilities, expected, atol=1e-5)


def test_date_cannot_be_a_number_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(_csv(tmp_path / "rows.csv", _frame()))

    for flags, told in {
        ("--numeric", "on", "--date", "on=dd/mm/yyyy"): "'on' is asked for as numeric and as date",
        ("--date", "on=yy-dd-mm"): "--date 'on': expected one of yyyy-mm-dd, dd/mm/yyyy,",
        ("--date", "on=dd/mm/yy"): "--date 'on=...' says how they are written, --ignore 'on'",
        ("--date", "no"): "--date names 'no'",
    }.items():
        command = ["fit", "--data", path, "--target", "y", "--models", str(tmp_path), *flags]
        assert main(command) != 0
        assert told in capsys.readouterr().err
