"""Rows that stand on both sides of the split."""

import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.inference.features import Features, numbers_only
from tests.training.conftest import WriteCsv
from training.config_file import read_config
from training.inputs import Column
from training.pipeline import run
from training.split import Split
from training.twins import FoundTwins, find_twins, row_hashes

COLUMNS = (Column("a", "number"), Column("town", "category"), Column("b", "number"))


def _features(rows: list[tuple[float, str, float]]) -> Features:
    numbers = np.array([(a, b) for a, _, b in rows], dtype=np.float32).reshape(len(rows), 2)
    return Features(numbers, np.array([[town] for _, town, _ in rows], dtype=object))


def _found(
    train: list[tuple[float, str, float]],
    test: list[tuple[float, str, float]],
    labels: list[int],
    but_for: tuple[str, ...] = (),
) -> FoundTwins:
    places = np.arange(len(train) + len(test))
    half = len(train) // 2
    split = Split(places[:half], places[half : len(train)], places[len(train) :])
    return find_twins(_features([*train, *test]), COLUMNS, np.array(labels), split, but_for=but_for)


def test_test_rows_with_equal_features_are_counted() -> None:
    train = [(1.0, "x", 2.0), (3.0, "y", 4.0), (5.0, "z", 6.0)]
    test = [(1.0, "x", 2.0), (1.0, "y", 2.0), (5.0, "z", 6.0), (2.0, "x", 1.0)]

    found = _found(train, test, [0, 1, 0, 0, 0, 1, 0])

    assert (found.test_rows, found.rows, found.other_label) == (4, 2, 1)
    assert found.notes[0].startswith(
        "2 of 4 test rows (50.0%) stand on both sides of the split: all their features equal those "
        "of a row for training or validation, 1 of them with another label. If they are copies"
    )


def test_gaps_are_equal_and_so_are_both_zeros() -> None:
    nan = float("nan")

    found = _found([(nan, "", 0.0), (1.0, "", nan)], [(nan, "", -0.0)], [0, 0, 0])

    assert found.rows == 1


def test_one_features_value_in_another_feature_is_no_twin() -> None:
    assert _found([(1.0, "x", 2.0), (9.0, "x", 9.0)], [(2.0, "x", 1.0)], [0, 0, 0]).notes == []


def test_columns_that_are_not_compared_are_named() -> None:
    found = _found([(1.0, "x", 2.0), (7.0, "x", 7.0)], [(8.0, "x", 2.0)], [0, 0, 0], ("a",))

    assert found.rows == 1
    assert "all their features but for 'a' equal" in found.notes[0]


def test_of_a_sample_it_is_said_that_it_is_one() -> None:
    features = numbers_only(np.arange(6, dtype=np.float32).reshape(6, 1))
    split = Split(np.arange(3), np.arange(3, 4), np.arange(4, 6))

    found = find_twins(
        features, [Column("a", "number")], np.zeros(6, np.int64), split, is_whole=False
    )

    assert found.notes == [
        "no test row equals a row trained on (looked for in a sample of the training rows only)"
    ]


CELLS = st.tuples(
    st.sampled_from([0.0, 1.0, 2.5, float("nan")]),
    st.sampled_from(["", "x", "y"]),
    st.sampled_from([0.0, 1.0]),
)


@given(rows=st.lists(st.tuples(CELLS, st.integers(0, 1)), min_size=4, max_size=30))
def test_counts_are_those_of_comparing_every_pair(
    rows: list[tuple[tuple[float, str, float], int]],
) -> None:
    cells = [tuple(map(str, cell)) for cell, _ in rows]
    labels = [label for _, label in rows]
    cut = len(rows) // 2 + 1

    found = _found([cell for cell, _ in rows[:cut]], [cell for cell, _ in rows[cut:]], labels)

    twins = {i: [j for j in range(cut) if cells[j] == cells[i]] for i in range(cut, len(rows))}
    assert found.rows == sum(bool(others) for others in twins.values())
    assert found.other_label == sum(
        any(labels[j] != labels[i] for j in others) for i, others in twins.items()
    )


def test_hashes_of_a_large_table_differ_and_cost_little() -> None:
    values = np.random.default_rng(0).standard_normal((60_000, 100)).astype(np.float32)
    columns = [Column(str(i), "number") for i in range(100)]
    start_s = time.process_time()

    hashes = row_hashes(numbers_only(values), columns)

    assert time.process_time() - start_s < 10
    assert len(np.unique(hashes)) == 60_000


def test_run_tells_twins_in_notes_manifest_and_card(
    tmp_path: Path, write_csv: WriteCsv, capsys: pytest.CaptureFixture[str]
) -> None:
    generator = np.random.default_rng(0)
    rows = [(x, y, "uv"[i % 2]) for i, (x, y) in enumerate(generator.normal(0, 1, (80, 2)))]
    # As pandas writes it: with an index, which tells every row from every other.
    copied = enumerate([*rows, *rows[::2], *rows[1::2]])
    path = write_csv("t.csv", ("", "x", "y", "l"), [(i, *row) for i, row in copied])

    done = run(
        read_config(
            None, {"data": path, "target": "l", "models": tmp_path, "epochs": 2, "hidden": 4}
        )
    )

    twins = done.manifest.table.twins
    assert twins is not None
    assert (twins.other_label, twins.is_whole) == (0, True)
    assert 20 <= twins.rows <= 32
    assert twins.share == twins.rows / done.manifest.table.rows["test"]
    told = f"{twins.rows} of 32 test rows ({twins.share:.1%}) stand on both sides of the split"
    assert f"note: {told}" in capsys.readouterr().err
    assert "all their features but for 'column_1' equal" in str(done.manifest.table.notes)
    assert told in (done.folder / "card.md").read_text()
