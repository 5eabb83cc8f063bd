"""The command line: what a user types, and what a user gets wrong."""

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.training.conftest import WriteCsv
from training.__main__ import main
from training.finish import Run

Capture = pytest.CaptureFixture[str]


def test_fit_publishes_and_says_where(tmp_path: Path, two_blobs: Path, capsys: Capture) -> None:
    models = str(tmp_path / "models")

    status = main(
        ["fit", "--data", str(two_blobs), "--target", "place", "--models", models, "--epochs", "9"]
    )

    out, err = capsys.readouterr()
    assert status == 0
    assert f"published   {models}/blobs/1" in out
    assert "2 -> 64 -> 2, relu, dropout 0.5, 322 parameters" in out
    assert err.startswith("x  number    ")
    assert "epoch    1: training loss" in err


def test_fit_reads_settings_from_a_file(tmp_path: Path, capsys: Capture) -> None:
    config = tmp_path / "run.toml"
    config.write_text(
        f'dataset = "iris"\nhidden = [8, 4]\nepochs = 3\nmodels = "{tmp_path / "models"}"\n'
    )

    status = main(["fit", "--config", str(config), "--dropout", "0.1"])

    assert status == 0
    assert "4 -> 8 -> 4 -> 3, relu, dropout 0.1, 0.1" in capsys.readouterr().out


def _csv(
    name: str, header: tuple[str, ...], rows: list[tuple[object, ...]]
) -> Callable[[WriteCsv], list[str]]:
    return lambda write: ["--data", str(write(name, header, rows)), "--target", "y"]


def _flags(*flags: str) -> Callable[[WriteCsv], list[str]]:
    return lambda _: list(flags)


GOOD: list[tuple[object, ...]] = [(i, "uv"[i % 2]) for i in range(40)]
MISTAKES: dict[str, Callable[[WriteCsv], list[str]]] = {
    "missing file": _flags("--data", "no/such.csv", "--target", "y"),
    "empty table": _csv("t.csv", ("a", "y"), []),
    "no such target": lambda write: [
        "--data",
        str(write("t.csv", ("a", "b"), GOOD)),
        "--target",
        "y",
    ],
    "single class": _csv("t.csv", ("a", "y"), [(i, "u") for i in range(40)]),
    "class with one row": _csv("t.csv", ("a", "y"), [*GOOD, (1, "w")]),
    "text in a number": _csv("t.csv", ("a", "y"), [*GOOD, ("abc", "u")]),
    "no target": lambda write: ["--data", str(write("t.csv", ("a", "y"), GOOD))],
    "ragged row": _csv("t.csv", ("a", "y"), [*GOOD, (1, "u", 2)]),
    "unknown column": lambda write: [
        "--data",
        str(write("t.csv", ("a", "y"), GOOD)),
        "--target",
        "y",
        "--categorical",
        "zip",
    ],
    "everything ignored": lambda write: [
        "--data",
        str(write("t.csv", ("a", "y"), GOOD)),
        "--target",
        "y",
        "--ignore",
        "a",
    ],
    "batch too large": _flags("--dataset", "iris", "--batch-size", "1000"),
    "hidden of 0": _flags("--hidden", "0"),
    "dropout of 1": _flags("--dropout", "1.0"),
    "unknown activation": _flags("--activation", "rellu"),
    "diverging": _flags("--dataset", "wine", "--learning-rate", "1e30"),
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES.keys())
def test_mistake_ends_with_status_2_one_sentence_and_nothing_published(
    mistake: Callable[[WriteCsv], list[str]], tmp_path: Path, write_csv: WriteCsv, capsys: Capture
) -> None:
    models = tmp_path / "models"

    status = main(["fit", "--models", str(models), *mistake(write_csv)])

    error = capsys.readouterr().err.splitlines()[-1]
    assert status == 2
    assert error.startswith("mlpserve: ")
    assert "Traceback" not in error
    assert not models.exists()


def test_constant_columns_are_fine(tmp_path: Path, write_csv: WriteCsv) -> None:
    rows = [(i, 7, "uv"[i % 2]) for i in range(40)]
    path = write_csv("t.csv", ("a", "constant", "y"), rows)

    status = main(
        ["fit", "--data", str(path), "--target", "y", "--models", str(tmp_path), "--epochs", "2"]
    )

    assert status == 0


def test_evaluate_scores_a_published_version(
    iris: Run, write_csv: WriteCsv, capsys: Capture
) -> None:
    names = iris.manifest.signature.names
    rows = [(5.1, 3.5, 1.4, 0.2, "setosa"), (6.3, 3.3, 6.0, 2.5, "virginica")]
    path = write_csv("t.csv", (*names, "target"), rows)

    status = main(["evaluate", str(iris.folder), "--data", str(path)])

    out = capsys.readouterr().out
    assert status == 0
    head, names_line, *lines = out.splitlines()
    assert head.startswith("accuracy 1.0000 (95 %: ")
    assert head.endswith(
        "AUC 1.0000, average precision 1.0000, always the commonest class 0.5000, 2 rows"
    )
    assert names_line.split("  ")[0] == "class"
    told = {line.split()[0]: " ".join(line.split()[1:]) for line in lines}
    assert told["setosa"] == "1.0000 1.0000 0.21 to 1.00 1.0000 1.0000 1.0000 1"
    assert told["versicolor"] == "0.0000 0.0000 - 0.0000 - - 0"


def test_predict_writes_a_label_and_every_probability(
    iris: Run, write_csv: WriteCsv, tmp_path: Path
) -> None:
    names = iris.manifest.signature.names
    path = write_csv("t.csv", names, [(5.1, 3.5, 1.4, 0.2), (6.3, 3.3, 6.0, 2.5)])
    out = tmp_path / "predictions.csv"

    status = main(["predict", str(iris.folder), "--data", str(path), "--out", str(out)])

    with out.open() as file:
        rows = list(csv.DictReader(file))
    assert status == 0
    assert [row["label"] for row in rows] == ["setosa", "virginica"]
    assert rows[0]["probability"] == rows[0]["probability_setosa"]
    assert sum(float(rows[1][f"probability_{label}"]) for label in iris.manifest.labels) == (
        pytest.approx(1.0)
    )


def test_predict_without_a_file_prints(iris: Run, write_csv: WriteCsv, capsys: Capture) -> None:
    path = write_csv("t.csv", iris.manifest.signature.names, [(5.1, 3.5, 1.4, 0.2)])

    main(["predict", str(iris.folder), "--data", str(path)])

    assert capsys.readouterr().out.splitlines()[1].startswith("setosa,")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: shutil.rmtree(f), "there is no published version"),
        (lambda f: (f / "model.onnx").write_bytes(b"x"), "model.onnx has the sha256"),
        (lambda f: (f / "manifest.json").unlink(), "manifest.json cannot be read"),
    ],
    ids=["missing", "changed", "no manifest"],
)
def test_broken_version_is_told_in_a_sentence(
    damage: Callable[[Path], object],
    message: str,
    iris: Run,
    tmp_path: Path,
    two_blobs: Path,
    capsys: Capture,
) -> None:
    folder = tmp_path / "iris/1"
    shutil.copytree(iris.folder, folder)
    damage(folder)

    status = main(["predict", str(folder), "--data", str(two_blobs)])

    assert status == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("command", [[], ["fit"], ["evaluate"], ["predict"]], ids=str)
def test_help_is_there_for_every_command(command: list[str], capsys: Capture) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*command, "--help"])

    assert caught.value.code == 0
    out = capsys.readouterr().out
    assert "usage: python -m training" in out
    assert "example" in out
