"""What the manifest's signature says of the rows that may be asked about."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from service.inference.features import Features, numbers_only
from service.model_repository.signature import Signature
from training.config import AcceptMissing, RunConfig
from training.describe import signature
from training.inputs import Column
from training.preprocess import learn
from training.start import start
from training.tables.table import Table

NUMERIC = np.arange(60, dtype=np.float32).reshape(20, 3) ** 2
ALONE = Table(
    source="t",
    target="y",
    columns=(Column("a", "number"), Column("b", "number"), Column("c", "number")),
    labels=("u", "v"),
    features=numbers_only(NUMERIC),
    class_index=np.arange(20) % 2,
)


def _signature(table: Table, *, trained_rows: slice, accept_missing: AcceptMissing) -> Signature:
    training = table.features[trained_rows]
    learned = learn(training, table.columns, scaling="robust", bins=0)
    return signature(table, learned, 1, accept_missing=accept_missing)


def _with_gaps() -> Table:
    """A gap in `a` in a training row, one in `b` in a test row, and text without a gap."""
    numeric = NUMERIC.copy()
    numeric[3, 0] = numeric[15, 1] = np.nan
    text = np.array([["x"], ["y"]] * 10, dtype=object)
    columns = (*ALONE.columns, Column("t", "category"))
    return replace(ALONE, columns=columns, features=Features(numeric, text))


@pytest.mark.parametrize(
    ("accept_missing", "expected"),
    [("seen", {"a"}), ("all", {"a", "b", "c", "t"}), ("none", set())],
)
def test_features_may_be_missing_where_training_rows_had_gaps_or_as_the_export_says(
    accept_missing: AcceptMissing, expected: set[str]
) -> None:
    found = _signature(_with_gaps(), trained_rows=slice(10), accept_missing=accept_missing)

    assert {f.name for f in found.features if found.may_be_missing(f)} == expected
    assert found.accepts_missing


def test_graph_of_a_table_without_gaps_takes_them_only_when_asked_to() -> None:
    rows = slice(20)

    assert not _signature(ALONE, trained_rows=rows, accept_missing="seen").accepts_missing
    assert _signature(ALONE, trained_rows=rows, accept_missing="all").accepts_missing


def test_one_gap_in_millions_of_rows_is_one() -> None:
    numeric = np.random.default_rng(0).normal(size=(3_000_000, 1)).astype(np.float32)
    numeric[7] = np.nan

    learned = learn(numbers_only(numeric), [Column("a", "number")], scaling="robust", bins=0)

    assert learned.summaries[0].missing > 0


def test_gaps_that_no_training_row_shows_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # The split is by chance: one gap in each row in turn, until that is no training row.
    for place in range(80):
        cells = ["" if i == place else str(i * i) for i in range(80)]
        path = tmp_path / "t.csv"
        path.write_text(
            "a,b,y\n" + "".join(f"{i},{c},{'uv'[i % 2]}\n" for i, c in enumerate(cells))
        )
        begun = start(RunConfig(data=path, target="y", name="t", models=tmp_path).resolved())
        if not begun.learned.summaries[1].missing:
            break

    told = "column 'b' has gaps, in 1 of the rows, none of them a training row"
    assert any(note.startswith(told) for note in begun.notes)
    assert told in capsys.readouterr().err
