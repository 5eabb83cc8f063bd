"""Streaming a Parquet table: the split, the sample, and what is refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from training.errors import TableInvalid
from training.preprocess import Learned, learn
from training.tables import parquet_files, stream
from training.tables.columns import markers, values_of
from training.tables.kinds import Asked
from training.tables.parts import TEST, TRAINING, VALIDATION
from training.tables.read import read_table
from training.tables.stream import ParquetTable
from training.tables.table import Table

ROWS = 5000


def _frame(seed: int = 0, rows: int = ROWS) -> pl.DataFrame:
    generator = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "row": np.arange(rows, dtype=np.float32),
            "town": pl.Series(["Ulm", "Bonn", None])[generator.integers(0, 3, rows)],
            "y": generator.choice(["u", "v", "w"], rows),
        }
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "t.parquet"
    _frame().write_parquet(path, row_group_size=700)
    return path


def _open(path: Path, **changed: Any) -> ParquetTable:
    settings = {
        "validation_fraction": 0.1,
        "test_fraction": 0.2,
        "seed": 1,
        "memory": 1 << 33,
        **changed,
    }
    return ParquetTable(path, "y", **settings)


def _rows_of(table: ParquetTable, part: int) -> set[int]:
    found: set[int] = set()
    for chunk in table.chunks(lambda groups: groups[::-1]):
        found |= set(chunk.frame["row"].filter(chunk.part == part).cast(pl.Int64).to_list())
    return found


def test_every_row_is_in_one_part_in_whatever_order_it_is_read(path: Path) -> None:
    table = _open(path)

    parts = [_rows_of(table, part) for part in (TRAINING, VALIDATION, TEST)]

    assert sum(map(len, parts)) == ROWS
    assert set.union(*parts) == set(range(ROWS))
    assert table.counts.sum(axis=1).tolist() == [len(part) for part in parts]
    # Binomial: standard deviations of 28 and 21 rows.
    assert abs(len(parts[TEST]) - 1000) < 6 * 28
    assert abs(len(parts[VALIDATION]) - 500) < 6 * 21


def test_split_is_the_seeds_own(path: Path) -> None:
    assert _rows_of(_open(path), TEST) == _rows_of(_open(path), TEST)
    assert _rows_of(_open(path), TEST) != _rows_of(_open(path, seed=2), TEST)


def test_sample_holds_the_rows_of_each_part_with_their_labels(path: Path) -> None:
    table, frame = _open(path), _frame()

    sample, split = table.sample(Asked())

    assert [(c.name, c.kind) for c in sample.columns] == [("row", "number"), ("town", "category")]
    rows = sample.features.numeric[:, 0].astype(int)
    assert set(rows[split.test]) == _rows_of(table, TEST)
    assert [sample.labels[i] for i in sample.class_index] == [frame["y"][int(row)] for row in rows]


def test_rows_apart_and_sampled_are_bounded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "MOST_ROWS_APART", 300)
    table = _open(path)

    _, split = table.sample(Asked())

    # Binomial with a mean of 300: a standard deviation of 17.
    for part in (split.training, split.validation, split.test):
        assert abs(len(part) - 300) < 6 * 17
    assert table.counts.sum() == ROWS


def test_folder_of_parquet_files_is_one_table(tmp_path: Path) -> None:
    for part in range(3):
        _frame(part, 500).write_parquet(tmp_path / f"{part}.parquet")

    table = _open(tmp_path)

    assert table.height == 1500
    assert table.counts.sum() == 1500


def test_rows_without_a_label_are_left_out_and_said(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    frame = _frame().with_columns(
        pl.when(pl.col("row") < 50).then(None).otherwise(pl.col("y")).alias("y")
    )
    frame.write_parquet(path)

    sample, _ = _open(path).sample(Asked())

    assert sample.notes == ("50 of 5000 rows are left out: they have no label in 'y'",)
    assert sample.features.numeric[:, 0].min() >= 50


@pytest.mark.parametrize("keep", [0.5, 0.98])
def test_file_that_was_cut_short_is_refused(path: Path, keep: float) -> None:
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])

    with pytest.raises(TableInvalid, match="is not a whole Parquet file"):
        _open(path)


def test_damaged_row_group_is_named(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[100:4000] = bytes(3900)
    path.write_bytes(content)

    with pytest.raises(TableInvalid, match="row group 0 cannot be read"):
        _open(path).sample(Asked())


def test_bad_numbers_are_counted_in_the_rows_that_were_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_files, "ROWS_READ_AT_ONCE", 100)
    path = tmp_path / "t.parquet"
    values = [1e300 if i in (150, 160, 950) else float(i) for i in range(1000)]
    pl.DataFrame({"a": values, "y": ["u", "v"] * 500}).write_parquet(path)

    with pytest.raises(TableInvalid, match=r"row 151, .* \(2 such cells in rows 101 to 200\)"):
        _open(path).sample(Asked())


def test_missing_target_is_told_with_the_columns(path: Path) -> None:
    with pytest.raises(TableInvalid, match="no column 'z' to predict; there are: row, town, y"):
        ParquetTable(path, "z", validation_fraction=0.1, test_fraction=0.2, seed=1, memory=1)


def test_labels_are_typed_over_the_whole_table(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    labels = ["True"] * 300 + ["False"] * 300 + ["Unknown"] * 300 + [None] * 300
    pl.DataFrame({"a": np.arange(1200.0), "y": labels}).write_parquet(path, row_group_size=150)

    table = _open(path)

    assert table.labels == ("False", "True", "Unknown")
    assert table.counts.sum(axis=0).tolist() == [300, 300, 300]
    assert table.unlabelled == 300


def test_folder_of_different_types_is_refused(tmp_path: Path) -> None:
    _frame(0, 500).write_parquet(tmp_path / "0.parquet")
    _frame(1, 500).cast({"row": pl.Float64}).write_parquet(tmp_path / "1.parquet")

    with pytest.raises(TableInvalid, match=r"1\.parquet: expected the columns and types of 0\.pa"):
        _open(tmp_path)


def test_column_that_is_ignored_is_not_read(path: Path) -> None:
    sample, _ = _open(path).sample(Asked(ignored=("town",)))

    assert [column.name for column in sample.columns] == ["row"]
    assert sample.left_out == ("town",)


def test_fewer_rows_are_set_apart_where_memory_is_short(path: Path) -> None:
    _, split = _open(path, memory=12 * 12 * 3 * 1200).sample(Asked())

    # Binomial with a mean of 1200 of 5000.
    assert abs(len(split.training) - 1200) < 6 * 31


def _odd_frame() -> pl.DataFrame:
    """Columns whose first row groups, or few sampled rows, say other things than the whole."""
    rows = np.arange(ROWS)
    return pl.DataFrame(
        {
            "row": rows.astype(np.float32),
            "whole where it begins": np.where(rows < 1000, rows % 3, rows % 3 + 0.5),
            "whole with gaps": pl.Series((rows % 4).astype(float)).set(pl.Series(rows < 900), None),
            "nearly constant": (rows == 4321).astype(np.float32),
            "nearly whole of words": pl.Series(rows % 7)
            .cast(pl.String)
            .set(pl.Series(rows == 4987), "n/k"),
            "one gap": pl.Series(rows % 11 / 4).set(pl.Series(rows == 3333), None),
            "numbers as text": [f" {row % 9} " for row in rows],
            "empty": pl.Series([None] * ROWS, dtype=pl.Float64),
            "constant": "always",
            "rare": [f"town {row % 8 if row % 50 else row % 900}" for row in rows],
            "twin": rows.astype(np.float32),
            "day": ["2024-01-31"] * ROWS,
            "day first": [f"{row // 500 + 4:02}/{row % 12 + 1:02}/2024" for row in rows],
            "time": pl.Series(rows * 10**9, dtype=pl.Time),
            "y": pl.Series(["u", "v"])[rows % 2],
        }
    )


ODD = Asked(categorical=("whole where it begins", "whole with gaps"))


def _both(path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Learned, Learned, Table, Table]:
    """Learned in memory and streamed, from the same training rows, and the two tables."""
    monkeypatch.setattr(stream, "MOST_ROWS_APART", 60)
    streamed = _open(path)
    training = sorted(_rows_of(streamed, TRAINING))
    sample, split = streamed.sample(ODD)
    whole = read_table(path, "y", ODD, None)
    from_sample = learn(
        sample.features[split.training],
        sample.columns,
        scaling="robust",
        bins=4,
        counts=streamed.training_counts,
    )
    from_all = learn(whole.features[np.array(training)], whole.columns, scaling="robust", bins=4)
    return from_all, from_sample, whole, sample


def test_streamed_table_is_described_as_the_same_table_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "t.parquet"
    _odd_frame().write_parquet(path, row_group_size=500)

    in_memory, streamed, whole, sample = _both(path, monkeypatch)

    assert sample.columns == whole.columns
    assert sample.left_out == whole.left_out == ("time",)
    assert streamed.summaries == in_memory.summaries
    assert streamed.preprocessing.one_hot == in_memory.preprocessing.one_hot
    assert streamed.preprocessing.numbers.gaps.tolist() == [
        *in_memory.preprocessing.numbers.gaps.tolist()
    ]
    by_name = dict(zip((c.name for c in sample.columns), streamed.summaries, strict=True))
    assert by_name["whole where it begins"].categories == ("0.0", "0.5", "1.0", "1.5", "2.0", "2.5")
    assert by_name["whole with gaps"].categories == ("0", "1", "2", "3")
    assert by_name["nearly constant"].unused is None
    assert by_name["twin"].unused == "it holds what 'row' holds"
    assert by_name["day"].unused == "it holds 2024-01-31 in every training row"
    forms = {c.name: c.date_form for c in sample.columns if c.kind == "date"}
    assert forms == {"day": "yyyy-mm-dd", "day first": "dd/mm/yyyy"}
    assert (by_name["day first"].minimum, by_name["day first"].maximum) == (19726, 20070)


@pytest.mark.parametrize("asked", [ODD, replace(ODD, categorical=(), folded=ODD.categorical)])
def test_streamed_cells_are_spelled_alike_in_every_chunk(asked: Asked, tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    _odd_frame().write_parquet(path, row_group_size=500)
    table = _open(path)
    sample, _ = table.sample(asked)
    columns = [column for column in sample.columns if column.name in ODD.categorical]

    found = set()
    for chunk in table.chunks(lambda groups: groups):
        found |= set(values_of("t", chunk.frame, columns).categorical[:, 0].tolist())

    assert found == {"0.0", "0.5", "1.0", "1.5", "2.0", "2.5"}


def test_what_a_sample_says_is_said_to_be_of_a_sample(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "MOST_ROWS_APART", 300)

    sample, split = _open(path).sample(Asked())

    assert f"are of {len(split.training)} of " in sample.notes[-1]


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (np.where(np.arange(ROWS) == 4321, np.inf, 1.0), "row 4322, column 'a': expected a number"),
        (
            pl.Series(np.arange(ROWS)).cast(pl.String).set(pl.Series(np.arange(ROWS) == 4321), "x"),
            "the first 'x' in row 4322",
        ),
    ],
    ids=["infinite", "a word among numbers"],
)
def test_bad_cell_is_named_by_its_row_in_the_file(cells: Any, message: str, tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pl.DataFrame({"a": cells, "y": ["u", "v"] * (ROWS // 2)}).write_parquet(
        path, row_group_size=700
    )

    with pytest.raises(TableInvalid, match=message):
        _open(path).sample(Asked())
    with pytest.raises(TableInvalid, match=message):
        read_table(path, "y", Asked(), None)


def test_columns_as_people_write_them_are_streamed_as_they_are_read_in_memory(
    tmp_path: Path,
) -> None:
    rows = np.arange(ROWS)
    frame = pl.DataFrame(
        {
            "income": [f"${row * 37:,}.50" if row % 50 else "?" for row in rows],
            "share": [f"{row % 40},5 %" for row in rows],
            "zip": [f"{row % 9:05}" for row in rows],
            "plan": [("basic", "Basic ", "plus")[row % 3] for row in rows],
            "y": pl.Series(["u", "v"])[rows % 2],
        }
    )
    frame.write_parquet(tmp_path / "t.parquet", row_group_size=700)
    asked = Asked(folded=("plan",), missing=("?",))
    refused = pl.Series("share", [f"{row % 40}.5 %" for row in rows])
    frame.with_columns(refused).write_parquet(tmp_path / "points.parquet", row_group_size=700)

    for name, problem in (("t.parquet", "decimal comma"), ("points.parquet", None)):
        streamed = _open(tmp_path / name, missing_texts=markers(asked))
        if problem:
            with pytest.raises(TableInvalid, match=problem):
                streamed.sample(asked)
            with pytest.raises(TableInvalid, match=problem):
                read_table(tmp_path / name, "y", asked, None)
        else:
            sample, _ = streamed.sample(asked)
            whole = read_table(tmp_path / name, "y", asked, None)
            assert sample.columns == whole.columns
            assert [c.written is not None for c in sample.columns] == [True, True, False, False]
            assert sample.notes == whole.notes
            assert set(sample.features.categorical[:, 1]) == {"basic", "plus"}
