"""What goes with predictions on request: columns of the file, sets of labels, uncertainty."""

import csv
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from service.inference.prediction_sets import sets_at
from tests.training.conftest import WriteCsv, read_features
from training.__main__ import main
from training.config_file import read_config
from training.finish import Run
from training.pipeline import run
from training.published import open_folder

Capture = pytest.CaptureFixture[str]
ROWS = [(5.1, 3.5, 1.4, 0.2), (6.3, 3.3, 6.0, 2.5), (5.9, 3.0, 4.2, 1.5)]


@pytest.fixture
def rows(iris: Run, write_csv: WriteCsv) -> Path:
    """Three flowers with an id and a remark."""
    named = [("0007", *ROWS[0], "=1+1"), ("-5", *ROWS[1], "fine"), ("c", *ROWS[2], "")]
    return write_csv("rows.csv", ("id", *iris.manifest.signature.names, "=remark"), named)


@pytest.fixture(scope="module")
def masked(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Iris with dropout masks in the graph."""
    flags = {"dataset": "iris", "models": tmp_path_factory.mktemp("m"), "epochs": 3}
    return run(read_config(None, {**flags, "uncertainty": 5, "report": "none"}))


def test_kept_columns_come_first_and_no_cell_of_theirs_is_a_formula(
    iris: Run, rows: Path, tmp_path: Path, capsys: Capture
) -> None:
    out = tmp_path / "p.csv"
    keep = ["--keep", "id", "=remark"]

    assert main(["predict", str(iris.folder), "--data", str(rows), "--out", str(out), *keep]) == 0

    with out.open(newline="") as file:
        header, *cells = csv.reader(file)
    assert header[:4] == ["id", "'=remark", "label", "probability"]
    assert [row[:3] for row in cells] == [
        ["0007", "'=1+1", "setosa"],
        ["-5", "fine", "virginica"],
        ["c", "", "versicolor"],
    ]
    assert capsys.readouterr().err == (
        f"wrote {out}: 3 rows, by {iris.folder}\nlabels: setosa 1, virginica 1, versicolor 1\n"
    )


def test_coverage_adds_the_sets_that_the_service_gives(
    iris: Run, rows: Path, tmp_path: Path, capsys: Capture
) -> None:
    out = tmp_path / "p.csv"

    main(["predict", str(iris.folder), "--data", str(rows), "--out", str(out), "--coverage", ".95"])

    with out.open(newline="") as file:
        found = [json.loads(row["prediction_set"]) for row in csv.DictReader(file)]
    predictor = open_folder(iris.folder)
    predictions = predictor.predict(read_features(rows, predictor.manifest.signature))
    assert predictor.manifest.calibration is not None
    sets = sets_at(predictor.manifest.calibration, 95, hold_first=True)
    inside = sets.members(predictions.probabilities, predictions.class_index)
    labels = np.array(predictor.manifest.labels)
    assert found == [labels[row].tolist() for row in inside]
    assert "prediction sets: " in capsys.readouterr().err


def test_parquet_holds_labels_sets_and_kept_columns_as_they_are(
    masked: Run, rows: Path, tmp_path: Path
) -> None:
    out = tmp_path / "p.parquet"
    more = ["--keep", "id", "=remark", "--coverage", "0.9", "--uncertainty"]

    assert main(["predict", str(masked.folder), "--data", str(rows), "--out", str(out), *more]) == 0

    found = pl.read_parquet(out)
    names = [f"probability_{label}" for label in masked.manifest.labels]
    assert found.columns == [
        *("id", "=remark", "label", "probability", *names),
        *("prediction_set", "entropy", "mutual_information"),
    ]
    assert found["=remark"].to_list() == ["=1+1", "fine", None]
    assert found.schema["prediction_set"] == pl.List(pl.String)
    predictor = open_folder(masked.folder)
    features = read_features(rows, predictor.manifest.signature)
    expected = predictor.predict(features, uncertainty=True)
    assert expected.uncertainty is not None
    assert (found.select(names).to_numpy() == expected.probabilities).all()
    assert (found["entropy"].to_numpy() == expected.uncertainty.entropy).all()


def test_parquet_of_many_rows_is_written_in_groups(iris: Run, tmp_path: Path) -> None:
    names = iris.manifest.signature.names
    data, out = tmp_path / "many.parquet", tmp_path / "p.pq"
    values = np.random.default_rng(0).uniform(0, 7, (140_000, 4)).astype(np.float32)
    pl.DataFrame(values, schema=list(names)).with_row_index("id").write_parquet(data)

    keep = ["--keep", "id"]
    assert main(["predict", str(iris.folder), "--data", str(data), "--out", str(out), *keep]) == 0

    found = pl.read_parquet(out)
    assert found["id"].to_list() == list(range(140_000))
    assert found["label"].n_unique() == 3


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ("--keep ident", "--keep names 'ident'; there are: 'id',"),
        ("--keep ID", '; did you mean "id"?'),
        ("--coverage 90", "--coverage: expected hundredths from 0.01 to 0.99, got 90; 90 % is 0.9"),
        ("--coverage 0.955", "--coverage: expected hundredths from 0.01 to 0.99, got 0.955"),
        ("--coverage most", "--coverage: expected a number, got 'most'"),
        ("--uncertainty", "--uncertainty: this version was published without dropout masks: train"),
        (
            "--out p.xlsx",
            "--out p.xlsx: predictions are written as CSV or Parquet: expected a name",
        ),
    ],
)
def test_what_the_version_or_the_file_does_not_have_is_told(
    flags: str, sentence: str, iris: Run, rows: Path, capsys: Capture
) -> None:
    assert main(["predict", str(iris.folder), "--data", str(rows), *flags.split()]) == 2

    out, err = capsys.readouterr()
    assert err.startswith("mlpserve: ")
    assert sentence in err
    assert out == ""


def test_kept_column_of_lists_is_told(iris: Run, tmp_path: Path, capsys: Capture) -> None:
    data = tmp_path / "t.jsonl"
    cells = dict(zip(iris.manifest.signature.names, ROWS[0], strict=True))
    data.write_text(json.dumps({**cells, "seen": {"a": 1}}) + "\n")

    assert main(["predict", str(iris.folder), "--data", str(data), "--keep", "seen"]) == 2

    assert "--keep 'seen': expected text, numbers or dates, got" in capsys.readouterr().err


def test_kept_column_that_predictions_have_too_is_told(
    iris: Run, write_csv: WriteCsv, capsys: Capture
) -> None:
    data = write_csv("t.csv", (*iris.manifest.signature.names, "label"), [(*ROWS[0], "x")])

    assert main(["predict", str(iris.folder), "--data", str(data), "--keep", "label"]) == 2

    assert "--keep label: the predictions have a column of that name" in capsys.readouterr().err


def test_file_of_parquet_that_is_interrupted_leaves_nothing(
    iris: Run, rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("training.predict.Told.add", fail)
    out = tmp_path / "sub" / "p.parquet"
    out.parent.mkdir()

    assert main(["predict", str(iris.folder), "--data", str(rows), "--out", str(out)]) == 130

    assert not list(out.parent.iterdir())


def test_column_that_is_almost_a_feature_is_pointed_at(
    iris: Run, write_csv: WriteCsv, capsys: Capture
) -> None:
    names = [name.replace("petal", "pedal") for name in iris.manifest.signature.names]
    data = write_csv("t.csv", names, [ROWS[0]])

    assert main(["predict", str(iris.folder), "--data", str(data)]) == 2

    told = capsys.readouterr().err
    assert told.endswith("; is 'pedal length (cm)' meant to be 'petal length (cm)'?\n")
