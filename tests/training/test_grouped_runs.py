"""Whole runs on rows that belong together."""

from pathlib import Path

import numpy as np
import pytest

from tests.training.conftest import WriteCsv
from training.__main__ import main
from training.config_file import read_config, read_settings
from training.errors import SplitImpossible
from training.jobs import fold_rows
from training.pipeline import run
from training.select_config import SelectConfig
from training.selection import run_selection
from training.start import start

PATIENTS = 40


@pytest.fixture
def visits(write_csv: WriteCsv) -> Path:
    """Three rows a patient; the features say who it is, and nothing else of the label."""
    generator = np.random.default_rng(3)
    rows = []
    for patient in range(PATIENTS):
        x, y = generator.normal(0, 1, 2)
        rows += [(f"p{patient}", x + 0.001 * i, y, "uv"[patient % 2]) for i in range(3)]
    return write_csv("visits.csv", ("patient", "x", "y", "ill"), rows)


def test_fit_divides_no_group_and_says_so(visits: Path, tmp_path: Path) -> None:
    config = read_config(
        None,
        {"data": visits, "target": "ill", "group": "patient", "models": tmp_path, "epochs": 3},
    )

    done = run(config)

    table = done.manifest.table
    assert table.groups is not None
    assert (table.groups.column, table.groups.count) == ("patient", PATIENTS)
    assert all(count % 3 == 0 for count in table.rows.values())
    assert done.manifest.signature.left_out == ("patient",)
    assert (
        "Rows of one patient belong together (40 groups)" in (done.folder / "card.md").read_text()
    )


def test_learning_curve_over_too_few_groups_is_refused_before_the_fit(
    write_csv: WriteCsv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [(f"p{i % 6}", i * 0.1, "uv"[i % 2]) for i in range(60)]
    data = write_csv("few.csv", ("patient", "x", "ill"), rows)
    monkeypatch.setattr("training.pipeline.fit", None)
    flags = {"data": data, "target": "ill", "group": "patient", "learning_curve": True}

    with pytest.raises(SplitImpossible, match="expected at least one for each fold"):
        run(read_config(None, {**flags, "models": tmp_path / "m"}))


def test_folds_of_a_selection_divide_no_group(visits: Path, tmp_path: Path) -> None:
    config = read_config(
        None, {"data": visits, "target": "ill", "group": "patient", "models": tmp_path}
    )
    begun = start(config.resolved(), cross_validated=True)
    pool = begun.data.split.training

    folds = fold_rows(begun.folds(pool, 5, seed=1))

    assert begun.data.table.groups is not None
    of_row = begun.data.table.groups.of_row[pool]
    for training, validation in folds:
        assert not set(of_row[training.numpy()]) & set(of_row[validation.numpy()])


def test_selection_and_learning_curve_run_on_groups(visits: Path, tmp_path: Path) -> None:
    settings = {
        "data": visits, "target": "ill", "group": "patient", "models": tmp_path, "epochs": 2,
        "vary": ["dropout=0,0.5"], "folds": 2, "learning_curve": True, "report": "none",
        "hidden": 4,
    }  # fmt: skip

    done = run_selection(read_settings(SelectConfig, None, settings))

    assert done.manifest.table.groups is not None
    assert done.manifest.learning_curve[-1].rows % 3 == 0


def test_too_few_groups_for_the_folds_is_one_sentence(
    write_csv: WriteCsv, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [(i % 6, i * 1.5, "uv"[i % 2 if i % 6 else 0]) for i in range(120)]
    path = write_csv("t.csv", ("ward", "a", "y"), rows)

    status = main(
        [
            "select", "--data", str(path), "--target", "y", "--group", "ward", "--folds", "9",
            "--models", str(tmp_path / "m"),
        ]
    )  # fmt: skip

    assert status == 2
    assert "--folds 9" in capsys.readouterr().err.splitlines()[-1]


def test_group_that_is_also_the_target_is_refused(visits: Path) -> None:
    status = main(["fit", "--data", str(visits), "--target", "ill", "--group", "ill"])

    assert status == 2
