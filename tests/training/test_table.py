"""Tables from files and from scikit-learn, and what is wrong with others."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from tests.training.conftest import WriteCsv
from training.errors import TableInvalid
from training.table import (
    DATASETS,
    load_dataset,
    read_class_index,
    read_features,
    read_labelled,
    require_classes,
)


@pytest.mark.parametrize(
    ("name", "shape", "label"),
    [
        ("digits", (1797, 64), 0),
        ("iris", (150, 4), "setosa"),
        ("wine", (178, 13), "class_0"),
        ("breast-cancer", (569, 30), "malignant"),
    ],
)
def test_built_in_sets_are_scikit_learns(
    name: str, shape: tuple[int, int], label: int | str
) -> None:
    table = load_dataset(name)

    assert name in DATASETS
    assert table.features.shape == shape
    assert table.labels[0] == label
    assert len(set(table.feature_names)) == shape[1]


def test_csv_keeps_the_order_of_columns_and_rows(write_csv: WriteCsv) -> None:
    path = write_csv("t.csv", ("b", "y", "a"), [(1, "u", 2), (3, "v", 4.5)])

    table = read_labelled(path, "y")

    assert table.feature_names == ("b", "a")
    assert table.features.tolist() == [[1, 2], [3, 4.5]]
    assert [table.labels[i] for i in table.class_index] == ["u", "v"]


def test_gzipped_csv_is_read(tmp_path: Path) -> None:
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"a,y\n1,u\n2,v\n"))

    assert read_labelled(path, "y").features.tolist() == [[1], [2]]


@pytest.mark.parametrize(
    ("cells", "labels"),
    [
        (("10", "9", "-1"), (-1, 9, 10)),
        (("b", "a", "c"), ("a", "b", "c")),
        (("1", "x", "2"), ("1", "2", "x")),
        (("007", "008", "009"), ("007", "008", "009")),
        (("1.5", "2.5", "3.5"), ("1.5", "2.5", "3.5")),
    ],
    ids=["integers", "text", "mixed", "codes", "decimals"],
)
def test_labels_keep_their_type(
    write_csv: WriteCsv, cells: tuple[str, ...], labels: tuple[int | str, ...]
) -> None:
    path = write_csv("t.csv", ("a", "y"), [(1, cell) for cell in cells])

    table = read_labelled(path, "y")

    assert table.labels == labels
    assert [str(table.labels[i]) for i in table.class_index] == list(cells)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"a,y\n", "there is a header and no row"),
        (b"a,b\n1,2\n", "there is no column 'y' to predict; there are: 'a', 'b'"),
        (b"y\n1\n", "there is no column beside the target 'y'"),
        (b"a,y\n1,u\nabc,v\n", "row 2, column 'a': expected a number, got 'abc'"),
        (b"a,y\n1,u\n,v\n", "row 2, column 'a': expected a number, got an empty cell"),
        (b"a,y\nnan,u\n2,v\n", "row 1, column 'a': expected a number, got 'nan'"),
        (b"a,y\n1,u\ninf,v\n", "row 2, column 'a': expected a number, got 'inf'"),
        (b"a,y\n1,u\n1e39,v\n", "row 2, column 'a': expected a number, got '1e39'"),
        (b"a,y\n1,u\n2,\n", "row 2, column 'y': expected a label, got an empty cell"),
        (b"a,y\n1,u\n2,v,3\n", "is not a CSV table"),
        (b"a,a,y\n1,2,u\n", "two columns are called 'a'"),
        (b"a,y\n1,\xff\n", "is not a CSV table"),
        (b"\x1f\x8bbroken", "cannot be read"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_file_that_is_no_table_gets_a_sentence(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)

    with pytest.raises(TableInvalid) as caught:
        read_labelled(path, "y")

    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_file_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(TableInvalid, match=r"t\.csv: cannot be read: No such file"):
        read_labelled(tmp_path / "t.csv", "y")


def test_single_class_is_refused(write_csv: WriteCsv) -> None:
    table = read_labelled(write_csv("t.csv", ("a", "y"), [(1, "u"), (2, "u")]), "y")

    with pytest.raises(TableInvalid, match="the target 'y' holds a single class, 'u'"):
        require_classes(table)


def test_target_of_measurements_is_refused(write_csv: WriteCsv) -> None:
    rows = [(i, i * 1.37) for i in range(100)]
    table = read_labelled(write_csv("t.csv", ("a", "y"), rows), "y")

    with pytest.raises(TableInvalid, match="100 different values in 100 rows"):
        require_classes(table)


def test_features_are_taken_by_name_and_others_left_out(write_csv: WriteCsv) -> None:
    path = write_csv("t.csv", ("c", "note", "a"), [(1, "x", 2), (3, "y", 4)])

    assert read_features(path, ("a", "c")).tolist() == [[2, 1], [4, 3]]


def test_missing_features_are_named(write_csv: WriteCsv) -> None:
    path = write_csv("t.csv", ("a", "y"), [(1, 2)])

    with pytest.raises(TableInvalid, match="the model's features 'b', 'c' are missing"):
        read_features(path, ("a", "b", "c"))


def test_labels_are_found_among_the_models_own(write_csv: WriteCsv) -> None:
    path = write_csv("t.csv", ("a", "y"), [(1, 9), (2, 8), (3, 9)])

    index = read_class_index(path, "y", (7, 8, 9))

    np.testing.assert_array_equal(index, [2, 1, 2])


def test_labels_that_the_model_does_not_know_are_named(write_csv: WriteCsv) -> None:
    path = write_csv("t.csv", ("a", "y"), [(1, "u"), (2, "w")])

    with pytest.raises(TableInvalid, match="does not know the labels 'w'; it knows: 'u', 'v'"):
        read_class_index(path, "y", ("u", "v"))


def test_fingerprint_tells_any_changed_cell(write_csv: WriteCsv) -> None:
    first = read_labelled(write_csv("a.csv", ("a", "y"), [(1, "u"), (2, "v")]), "y")
    second = read_labelled(write_csv("b.csv", ("a", "y"), [(1, "u"), (3, "v")]), "y")

    assert first.fingerprint != second.fingerprint
