"""Test rows from a file of their own."""

import gzip
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.training.conftest import WriteCsv
from training.__main__ import main
from training.config_file import read_config
from training.errors import ConfigInvalid
from training.pipeline import run
from training.prepare import prepare

HEADER = ("patient", "x", "town", "l")


def _rows(count: int, seed: int, first: int = 0) -> list[tuple[object, ...]]:
    x = np.random.default_rng(seed).normal(0, 1, count)
    return [(f"p{first + i // 2}", x[i], "ab"[i % 2], "uv"[i // 2 % 2]) for i in range(count)]


def _config(write: WriteCsv, test: Path, **more: object):  # type: ignore[no-untyped-def]  # noqa: ANN202
    data = write("train.csv", HEADER, _rows(80, 0))
    flags = {"data": data, "target": "l", "test": test, "ignore": "patient"}
    return read_config(None, {**flags, **more})


def test_all_rows_of_the_file_and_no_others_are_tested_on(
    write_csv: WriteCsv, tmp_path: Path
) -> None:
    # In another order, with a column more, and one row without a label.
    rows = [(y, town, x, 1, p) for p, x, town, y in [*_rows(20, 1), ("p", 1, "a", "")]]
    test = write_csv("test.csv", ("l", "town", "x", "more", "patient"), rows)
    config = _config(write_csv, test, models=tmp_path / "m", epochs=2)

    done = run(config)

    table = done.manifest.table
    assert table.rows["test"] == done.manifest.scores.test.rows == 20
    assert table.rows["training"] + table.rows["validation"] == 80
    assert table.test_source == "test.csv"
    assert any("1 of 21 rows of test.csv are left out" in note for note in table.notes)
    assert "The test rows are those of test.csv." in (done.folder / "card.md").read_text()


def test_other_spellings_of_what_training_rows_hold_are_read_as_these(
    write_csv: WriteCsv, tmp_path: Path
) -> None:
    data = write_csv(
        "train.csv", ("paid", "x", "l"), [(i % 2 == 0, i, i % 4 // 2) for i in range(80)]
    )
    test = tmp_path / "test.parquet"
    pl.DataFrame({"paid": [True, False] * 10, "x": range(20), "l": [0, 1] * 10}).write_parquet(test)

    config = read_config(None, {"data": data, "target": "l", "test": test})
    table = prepare(config.resolved()).table

    assert table.features.categorical[-2:, 0].tolist() == ["True", "False"]


def test_fingerprint_is_of_both_files(write_csv: WriteCsv) -> None:
    first = prepare(_config(write_csv, write_csv("a.csv", HEADER, _rows(20, 1))).resolved())
    second = prepare(_config(write_csv, write_csv("b.csv", HEADER, _rows(20, 2))).resolved())

    assert first.fingerprint != second.fingerprint
    assert first.table.data_fingerprint == second.table.data_fingerprint


def test_rows_of_the_training_file_in_the_test_file_are_told(
    write_csv: WriteCsv, tmp_path: Path
) -> None:
    test = write_csv("test.csv", HEADER, [*_rows(80, 0)[:5], *_rows(5, 3)])

    done = run(_config(write_csv, test, models=tmp_path / "m", epochs=1, report="none"))

    assert done.manifest.table.twins is not None
    assert done.manifest.table.twins.rows == 5


def test_group_on_both_sides_is_told(write_csv: WriteCsv) -> None:
    # Patients 0 to 39 are in the training file: 5 rows are of 37 to 39, two to a patient.
    test = write_csv("test.csv", HEADER, _rows(21, 1, first=38))

    data = prepare(_config(write_csv, test, ignore=(), group="patient").resolved())

    assert data.table.groups is not None
    assert data.table.groups.count == 40 + 9
    assert any(
        "4 of 21 rows of test.csv are of a 'patient' that training or" in note
        for note in data.table.notes
    )


@pytest.mark.parametrize(
    ("header", "rows", "message"),
    [
        (("x", "l"), [(1, "u")], "the columns 'town' of train.csv are missing"),
        (("x", "town", "l"), [(1, "a", "w")], "does not know the labels 'w'"),
        (("x", "town", "l"), [("much", "a", "u")], "column 'x': expected a number"),
        (("x", "town", "l"), [(1, "a", "")], "no row has a label in 'l'"),
    ],
    ids=["missing column", "unknown label", "text for a number", "no label"],
)
def test_file_that_does_not_fit_is_refused_in_a_sentence(
    header: tuple[str, ...],
    rows: list[tuple[object, ...]],
    message: str,
    write_csv: WriteCsv,
    capsys: pytest.CaptureFixture[str],
) -> None:
    data = write_csv("train.csv", HEADER, _rows(80, 0))
    test = write_csv("test.csv", header, rows)

    files = ["--data", str(data), "--test", str(test)]
    status = main(["fit", *files, "--target", "l", "--ignore", "patient"])

    assert status == 2
    assert message in capsys.readouterr().err.splitlines()[-1]


def test_test_file_and_test_fraction_together_are_refused(write_csv: WriteCsv) -> None:
    with pytest.raises(ConfigInvalid, match="expected either --test or --test-fraction"):
        _config(write_csv, Path("test.csv"), test_fraction=0.3)


def test_evaluate_on_the_training_file_says_so(
    write_csv: WriteCsv, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    test = write_csv("test.csv", HEADER, _rows(20, 1))
    config = _config(write_csv, test, models=tmp_path / "m", epochs=1, report="none")
    done = run(config)
    capsys.readouterr()

    main(["evaluate", str(done.folder), "--data", str(config.data)])
    on_training = capsys.readouterr().err
    main(["evaluate", str(done.folder), "--data", str(test)])

    assert "the model was trained on this table" in on_training
    assert "trained on" not in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "parquet"])
def test_memory_bounds_both_files_together(
    kind: str, write_csv: WriteCsv, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_csv("train.csv", HEADER, _rows(80, 0))
    frame = pl.read_csv(write_csv("whole.csv", HEADER, _rows(4000, 1)))
    test = tmp_path / f"test.{kind}"
    if kind == "parquet":
        frame.write_parquet(test)
    else:
        content = frame.write_csv().encode()
        test.write_bytes(gzip.compress(content) if kind == "csv.gz" else content)
    flags = ["fit", "--data", str(data), "--test", str(test), "--target", "l"]
    flags += ["--ignore", "patient", "--epochs", "1", "--report", "none"]
    flags += ["--models", str(tmp_path / "m")]

    narrow = main([*flags, "--memory", "200KiB"])
    told = capsys.readouterr().err.splitlines()[-1]
    wide = main([*flags, "--memory", "20MiB"])

    assert (narrow, wide) == (2, 0)
    assert str(test) in told
    assert "--memory allows more" in told
