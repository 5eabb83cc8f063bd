"""The column that says which rows belong together."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.training.conftest import WriteCsv
from training.errors import TableInvalid
from training.tables.datasets import load_dataset
from training.tables.groups import group_texts, grouped_by, numbered
from training.tables.kinds import Asked
from training.tables.read import read_table
from training.tables.table import Table


def _read(path: Path, **asked: object) -> Table:
    return read_table(path, "y", Asked(**asked), None)  # type: ignore[arg-type]


def test_group_column_says_which_rows_belong_together_and_is_no_feature(
    write_csv: WriteCsv,
) -> None:
    rows = [("p1", 1, "u"), ("p2", 2, "v"), ("p1", 3, "u"), ("p3", 4, ""), ("p2", 5, "v")]
    table = _read(write_csv("t.csv", ("patient", "a", "y"), rows), group="patient")

    assert [column.name for column in table.columns] == ["a"]
    assert table.left_out == ("patient",)
    assert table.groups is not None
    assert table.groups.column == "patient"
    assert table.groups.of_row.tolist() == [0, 1, 0, 1]
    assert table.groups.count == 2


def test_row_without_a_group_is_one_of_its_own(write_csv: WriteCsv) -> None:
    rows = [("p1", 1, "u"), ("", 2, "v"), ("p1", 3, "u"), ("NA", 4, "v")]
    table = _read(write_csv("t.csv", ("patient", "a", "y"), rows), group="patient")

    assert table.groups is not None
    assert table.groups.of_row.tolist() == [0, 1, 0, 2]
    assert "2 of 4 rows have no 'patient': each is a group of its own" in table.notes


def test_row_with_a_marker_that_was_asked_for_has_no_group(write_csv: WriteCsv) -> None:
    rows = [("p1", 1, "u"), ("?", 2, "v"), ("p1", 3, "u"), ("?", 4, "v")]
    table = _read(write_csv("t.csv", ("patient", "a", "y"), rows), group="patient", missing=("?",))

    assert table.groups is not None
    assert table.groups.of_row.tolist() == [0, 1, 0, 2]
    assert "2 of 4 rows have no 'patient': each is a group of its own" in table.notes


def test_group_column_that_is_not_there_is_named(write_csv: WriteCsv) -> None:
    path = write_csv("t.csv", ("a", "y"), [(1, "u"), (2, "v")])

    with pytest.raises(TableInvalid, match=r"--group names 'patient'; the columns are 'a'"):
        _read(path, group="patient")


def test_large_numbers_are_told_apart() -> None:
    cells = pl.Series("id", [123456789, 123456790, None, 123456789])

    assert numbered(group_texts("t", cells), {}).tolist() == [0, 1, 2, 0]


def test_numbers_are_spelled_alike_with_and_without_gaps() -> None:
    whole = group_texts("t", pl.Series("id", [7, 12]))
    with_gap = group_texts("t", pl.Series("id", [7.0, 12.0, None, float("nan"), 0.5]))

    assert whole.to_list() == ["7", "12"]
    assert with_gap.to_list() == ["7", "12", None, None, "0.5"]


def test_feature_of_a_built_in_set_can_say_it() -> None:
    table = grouped_by(load_dataset("penguins"), "year")

    assert "year" not in [column.name for column in table.columns]
    assert "year" in table.left_out
    assert table.groups is not None
    assert table.groups.count == 3


def test_fingerprint_depends_on_groups(noise_table: Table) -> None:
    by_a, by_b = grouped_by(noise_table, "a"), grouped_by(noise_table, "b")

    assert len({noise_table.fingerprint, by_a.fingerprint, by_b.fingerprint}) == 3


@pytest.mark.parametrize(
    ("name", "different", "is_noted"),
    [
        ("patient_id", 20, True),
        ("CustomerID", 20, True),
        ("user", 20, True),
        ("patient_id", 100, False),
        ("patient_id", 4, False),
        ("user_type", 20, False),
        ("paid", 20, False),
        ("colour", 20, False),
    ],
)
def test_column_that_looks_like_groups_is_pointed_at(
    name: str, different: int, is_noted: bool, write_csv: WriteCsv
) -> None:
    generator = np.random.default_rng(0)
    rows = [(f"v{i % different}", generator.random(), "uv"[i % 2]) for i in range(100)]
    path = write_csv("t.csv", (name, "a", "y"), rows)

    for asked in (Asked(), Asked(ignored=(name,))):
        notes = read_table(path, "y", asked, None).notes
        assert any(f"--group '{name}'" in note for note in notes) == is_noted
