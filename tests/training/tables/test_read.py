"""Tables from files of every kind, and what is wrong with others."""

import gzip
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from service.model_repository.signature import Feature, Signature
from tests.training.conftest import WriteCsv, read_features
from training.errors import TableInvalid
from training.tables.kinds import Asked
from training.tables.read import read_table
from training.tables.table import Table, require_classes


def _read(path: Path, target: str | None = "y", asked: Asked | None = None) -> Table:
    return read_table(path, target, asked or Asked(), None)


def _kinds(table: Table) -> dict[str, str]:
    return {column.name: column.kind for column in table.columns}


def test_csv_keeps_the_order_of_columns_and_rows(write_csv: WriteCsv) -> None:
    path = write_csv("t.csv", ("b", "y", "a"), [(1, "u", 2), (3, "v", 4.5)])

    table = _read(path)

    assert [column.name for column in table.columns] == ["b", "a"]
    assert table.features.numeric.tolist() == [[1, 2], [3, 4.5]]
    assert [table.labels[i] for i in table.class_index] == ["u", "v"]


FRAME = pl.DataFrame(
    {
        "age": [22.0, None, 38.5],
        "sex": ["male", "female", None],
        "member": [True, False, None],
        "y": ["u", "v", "u"],
    }
)


@pytest.mark.parametrize("kind", ["parquet", "arrow", "csv", "csv.gz", "tsv", "semicolons", "bom"])
def test_table_comes_out_of_every_kind_of_file_alike(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"t.{kind}"
    text = FRAME.write_csv()
    match kind:
        case "parquet":
            FRAME.write_parquet(path)
        case "arrow":
            FRAME.write_ipc(path)
        case "csv.gz":
            path.write_bytes(gzip.compress(text.encode()))
        case "tsv":
            path.write_text(text.replace(",", "\t"))
        case "semicolons":
            path.write_text(text.replace(",", ";"))
        case "bom":
            path.write_text("\ufeff" + text)
        case _:
            path.write_text(text)

    table = _read(path)

    assert _kinds(table) == {"age": "number", "sex": "category", "member": "category"}
    np.testing.assert_array_equal(table.features.numeric, [[22.0], [np.nan], [38.5]])
    assert table.features.categorical.tolist() == [
        ["male", "true"],
        ["female", "false"],
        ["", ""],
    ]


def test_delimiter_may_be_any_character(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a^y\n1^u\n2^v\n")

    assert read_table(path, "y", Asked(), "^").features.numeric.tolist() == [[1], [2]]


def test_quoted_cells_may_hold_delimiters_quotes_and_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('a,y\n"x, ""so"" it\nwent",u\nplain,v\n')

    assert _read(path).features.categorical.tolist() == [['x, "so" it\nwent'], ["plain"]]


def test_folder_of_files_is_one_table(tmp_path: Path) -> None:
    for part in range(3):
        pl.DataFrame({"a": [part, part + 10], "y": ["u", "v"]}).write_csv(tmp_path / f"{part}.csv")
    (tmp_path / "README.md").write_text("not a table")
    (tmp_path / "_SUCCESS").write_text("")

    table = _read(tmp_path)

    assert table.features.numeric[:, 0].tolist() == [0, 10, 1, 11, 2, 12]


def test_folder_of_different_tables_is_refused(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("a,y\n1,u\n")
    (tmp_path / "2.csv").write_text("b,y\n1,u\n")

    with pytest.raises(TableInvalid, match=r"2\.csv: expected the columns of 1\.csv.*: a, b"):
        _read(tmp_path)


def test_folder_without_a_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TableInvalid, match="there is no table in this folder"):
        _read(tmp_path)


def test_npz_of_x_and_y_needs_no_target(tmp_path: Path) -> None:
    path = tmp_path / "t.npz"
    np.savez(path, x=np.arange(12).reshape(3, 2, 2), y=np.array([True, False, True]))

    table = _read(path, target=None)

    assert table.features.numeric.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    assert [column.name for column in table.columns][1:3] == ["pixel_0_1", "pixel_1_0"]
    assert table.labels == (False, True)


@pytest.mark.parametrize(
    ("saved", "message"),
    [
        ({"x": np.zeros((2, 2))}, "expected an NPZ file with the arrays x and y"),
        ({"x": np.zeros((2, 2)), "y": np.zeros(3)}, "and as many y, got (2, 2) and (3,)"),
        ({"x": np.array([["a"]]), "y": np.zeros(1)}, "expected numbers in x"),
        ({"x": np.array([[None]], dtype=object), "y": np.zeros(1)}, "of plain arrays"),
        ({"x": np.array([[1.0], [np.inf]]), "y": np.zeros(2)}, "row 2, column 'x_0': expected"),
    ],
    ids=["no y", "lengths", "text", "pickle", "infinite"],
)
def test_npz_that_does_not_fit_gets_a_sentence(
    saved: dict[str, np.ndarray], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "t.npz"
    np.savez(path, **saved)  # type: ignore[arg-type]

    with pytest.raises(TableInvalid) as caught:
        _read(path, target=None)

    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"a,y\n", "there is a header and no row"),
        (b"a,b\n1,2\n", "there is no column 'y' to predict; there are: 'a', 'b'"),
        (b"a,Y\n1,2\n", "there are: 'a', 'Y'; did you mean \"Y\"?"),
        (b"y\n1\n", "there is no column to learn from beside the target"),
        (b"a,y\ninf,u\n2,v\n", "row 1, column 'a': expected a number within float32, got 'inf'"),
        (b"a,y\n1,u\n1e39,v\n", "row 2, column 'a': expected a number within float32, got '1e39'"),
        (b"a,y\n1,\n2,\n", "the target 'y' is empty in every row"),
        (b"a,y\n1,u\n2,v,3\n", "row 2 (line 3): expected 2 cells as in the header, got 3"),
        (
            b"a,y\n1,u\n2,v,3\n1,u\n1,200,v\n",
            "row 2 (line 3): expected 2 cells as in the header, got 3 (and 1 more such rows of 4)",
        ),
        (b"a,b,y\n1,2,u\n1\n1,2,v\n", "row 2 (line 3): expected 3 cells as in the header, got 1"),
        (b"a,a,y\n1,2,u\n", "two columns are called 'a'"),
        (b"a,y\n1,u\n1,\xe9\n", "expected UTF-8, got the byte 0xe9 in line 3"),
        (b"\x1f\x8bbroken", "is not a whole gzip file"),
        (gzip.compress(b"a,y\n1,u\n", mtime=0)[:-6], "is not a whole gzip file"),
        (b"PAR1 and no more", "is not a whole Parquet file"),
        (b"ARROW1 and no more", "is not a whole Arrow file"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_file_that_is_no_table_gets_a_sentence(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)

    with pytest.raises(TableInvalid) as caught:
        _read(path)

    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("keep", [0.3, 0.6, 0.99])
def test_parquet_file_that_was_cut_short_gets_a_sentence(keep: float, tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pl.DataFrame({"a": np.arange(5000) * 1.1, "y": ["u", "v"] * 2500}).write_parquet(path)
    path.write_bytes(path.read_bytes()[: int(keep * path.stat().st_size)])

    with pytest.raises(TableInvalid, match=r"t\.parquet: is not a whole Parquet file"):
        _read(path)


def test_rows_without_a_label_are_left_out_counted_and_said(write_csv: WriteCsv) -> None:
    path = write_csv("t.csv", ("a", "y"), [(1, "u"), (2, ""), (3, "v"), (4, "NA")])

    table = _read(path)

    assert table.features.numeric[:, 0].tolist() == [1, 3]
    assert table.notes == ("2 of 4 rows are left out: they have no label in 'y'",)


def test_target_is_asked_for_with_the_columns_that_there_are(write_csv: WriteCsv) -> None:
    path = write_csv("t.csv", ("a", "b"), [(1, "u")])

    with pytest.raises(TableInvalid, match="--target names the column to predict; there are: 'a'"):
        _read(path, target=None)


def test_single_class_is_refused(write_csv: WriteCsv) -> None:
    table = _read(write_csv("t.csv", ("a", "y"), [(1, "u"), (2, "u")]))

    with pytest.raises(TableInvalid, match="the target 'y' holds a single class, 'u'"):
        require_classes(table)


def test_target_of_measurements_is_refused(write_csv: WriteCsv) -> None:
    rows = [(i, i * 1.37) for i in range(100)]
    table = _read(write_csv("t.csv", ("a", "y"), rows))

    with pytest.raises(
        TableInvalid, match="100 different values in 100 rows: this classifies and does"
    ):
        require_classes(table)


def test_fingerprint_tells_any_changed_cell(write_csv: WriteCsv) -> None:
    rows = [(1, "x", "u"), (2, "y", "v")]
    first = _read(write_csv("a.csv", ("a", "t", "y"), rows))
    number = _read(write_csv("b.csv", ("a", "t", "y"), [rows[0], (3, "y", "v")]))
    text = _read(write_csv("c.csv", ("a", "t", "y"), [rows[0], (2, "z", "v")]))

    assert len({table.fingerprint for table in (first, number, text)}) == 3


def _signature(*, accepts_missing: bool = False) -> Signature:
    return Signature(
        features=(
            Feature(name="a"),
            Feature(name="sex", dtype="string"),
            Feature(name="c"),
            Feature(name="flat", unused="it holds 1 in every training row"),
        ),
        accepts_missing=accepts_missing,
        hidden=("hidden_1",),
    )


def test_features_are_taken_by_name_and_others_left_out(write_csv: WriteCsv) -> None:
    path = write_csv("t.csv", ("c", "note", "sex", "a"), [(1, "x", "f", 2), (3, "y", "", 4)])

    features = read_features(path, _signature(accepts_missing=True))

    assert features.numeric[:, :2].tolist() == [[2, 1], [4, 3]]
    assert np.isnan(features.numeric[:, 2]).all()
    assert features.categorical.tolist() == [["f"], [""]]


def test_missing_features_are_named(write_csv: WriteCsv) -> None:
    path = write_csv("t.csv", ("a", "y"), [(1, 2)])

    with pytest.raises(TableInvalid, match="the model's features 'sex', 'c' are missing"):
        read_features(path, _signature())


def test_gap_is_refused_where_the_model_was_trained_without(write_csv: WriteCsv) -> None:
    signature = Signature(features=(Feature(name="a"), Feature(name="b")), hidden=("hidden_1",))
    path = write_csv("t.csv", ("a", "b"), [(1, 2), (3, "")])

    with pytest.raises(TableInvalid, match=r"row 2, column 'b': expected a number, got an empty"):
        read_features(path, signature)


def test_booleans_and_whole_numbers_are_spelled_as_the_model_does(tmp_path: Path) -> None:
    signature = Signature(
        features=(
            Feature(name="member", dtype="string", categories=("False", "True")),
            Feature(name="code", dtype="string", categories=("1", "2")),
        ),
        accepts_missing=True,
        hidden=("hidden_1",),
    )
    path = tmp_path / "t.parquet"
    frame = pl.DataFrame({"member": [True, None, False], "code": [1.0, 2.0, None]})
    frame.write_parquet(path)
    csv_path = tmp_path / "t.csv"
    csv_path.write_text("member,code\ntrue,1.0\n,2\nFALSE,\n")

    for source in (path, csv_path):
        cells = read_features(source, signature).categorical.tolist()
        assert cells == [["True", "1"], ["", "2"], ["False", ""]]


def _with_gaps_in_a() -> Signature:
    return Signature(
        features=(
            Feature(name="a", missing=0.1, accepts_missing=True),
            Feature(name="sex", dtype="string", accepts_missing=False),
            Feature(name="b", accepts_missing=False),
        ),
        accepts_missing=True,
        trims_text=True,
        missing_texts=("-",),
        hidden=("hidden_1",),
    )


def test_column_may_be_absent_where_training_rows_had_gaps(write_csv: WriteCsv) -> None:
    path = write_csv("t.csv", ("sex", "b"), [("f", 2)])

    assert np.isnan(read_features(path, _with_gaps_in_a()).numeric[:, 0]).all()
    with pytest.raises(TableInvalid, match="the model's features 'sex', 'b' are missing"):
        read_features(write_csv("t.csv", ("a",), [(1,)]), _with_gaps_in_a())


def test_gap_is_refused_feature_by_feature(write_csv: WriteCsv) -> None:
    rows = [("", "f", 1), (1, " ", 2), (1, "-", "-")]
    path = write_csv("t.csv", ("a", "sex", "b"), rows)

    with pytest.raises(TableInvalid, match=r"row 3, column 'b': expected a number, .*\(1 such"):
        read_features(path, _with_gaps_in_a())
    with pytest.raises(TableInvalid, match=r"row 2, column 'sex': expected text, .*\(2 such") as no:
        read_features(
            write_csv("t.csv", ("a", "sex", "b"), [*rows[:2], (1, "-", 3)]), _with_gaps_in_a()
        )
    assert "no training row had a gap here" in str(no.value)
    assert "--accept-missing all" in str(no.value)


def test_words_for_missing_are_those_that_the_model_was_trained_with(write_csv: WriteCsv) -> None:
    path = write_csv("t.csv", ("a", "sex", "b"), [("-", "NA", 1)])

    features = read_features(path, _with_gaps_in_a())

    assert np.isnan(features.numeric[0, 0])
    assert features.categorical.tolist() == [["NA"]]


def test_gap_in_an_array_is_refused_where_the_model_was_trained_without(tmp_path: Path) -> None:
    signature = Signature(features=(Feature(name="x_0"),), hidden=("hidden_1",))
    path = tmp_path / "t.npz"
    np.savez(path, x=np.array([[1.0], [np.nan]]), y=np.array([0, 1]))

    with pytest.raises(TableInvalid, match="row 2, column 'x_0': expected a number, got an empty"):
        read_features(path, signature)


def test_types_of_an_array_cannot_be_set(tmp_path: Path) -> None:
    path = tmp_path / "t.npz"
    np.savez(path, x=np.zeros((2, 1)), y=np.array([0, 1]))

    with pytest.raises(TableInvalid, match="are not for arrays of numbers"):
        _read(path, None, Asked(categorical=("x_0",)))


def test_empty_lines_are_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("\n\na,y\n1,u\n\n2,v\r\n\r\n\n")

    assert _read(path).features.numeric.tolist() == [[1], [2]]


def test_quote_within_a_cell_is_a_character(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('size,y\n5" pipe,u\n"7"" pipe",v\n"two\nlines",u\n')

    cells = _read(path).features.categorical[:, 0].tolist()

    assert cells == ['5" pipe', '7" pipe', "two\nlines"]


def test_index_that_pandas_writes_without_a_name_gets_one(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(",column_1,y\n0,5,u\n1,6,v\n")

    assert [column.name for column in _read(path).columns] == ["column_1_", "column_1"]


def test_utf_16_is_told(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,y\n1,u\n", encoding="utf-16")

    with pytest.raises(TableInvalid, match="got UTF-16: iconv -f utf-16 -t utf-8"):
        _read(path)


def test_lines_and_cells_of_any_length_are_read(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    names = [f"{'measurement ' * 8}{i}" for i in range(1500)]
    assert len(";".join(names)) > 1 << 17
    text = '"' + "long " * 40_000 + '"'
    path.write_text(f"{';'.join(names)};t;y\n" + f"{'1;' * 1500}{text};u\n" * 2)

    table = _read(path)

    assert table.features.numeric.shape == (2, 1500)
    assert len(table.features.categorical[0, 0]) == 5 * 40_000 - 1
