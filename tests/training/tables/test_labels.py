"""Labels keep their type, and are found again among a model's own."""

import numpy as np
import polars as pl
import pytest

from training.errors import TableInvalid
from training.tables.labels import index_among, labels_of
from training.tables.table import Label, label_text


@pytest.mark.parametrize(
    ("cells", "labels"),
    [
        (["10", "9", "-1"], (-1, 9, 10)),
        ([10, 9, -1], (-1, 9, 10)),
        ([10.0, 9.0, -1.0], (-1, 9, 10)),
        (["b", "a", "c"], ("a", "b", "c")),
        (["1", "x", "2"], ("1", "2", "x")),
        (["007", "008", "009"], ("007", "008", "009")),
        (["1.5", "2.5", "3.5"], ("1.5", "2.5", "3.5")),
        (["true", "false", "true"], (False, True)),
        ([True, False, True], (False, True)),
    ],
    ids=str,
)
def test_labels_keep_their_type(cells: list[object], labels: tuple[Label, ...]) -> None:
    found, index = labels_of("t", pl.Series("y", cells))

    assert found == labels
    assert [type(label) for label in found] == [type(label) for label in labels]
    assert [label_text(found[i]) for i in index] == [
        str(c).lower().removesuffix(".0") for c in cells
    ]


def test_cell_without_a_label_has_no_index() -> None:
    labels, index = labels_of("t", pl.Series("y", ["u", None, "v", " ", "NA"]))

    assert labels == ("u", "v")
    assert index.tolist() == [0, -1, 1, -1, -1]


@pytest.mark.parametrize(
    ("cells", "message"),
    [([1.5, 2.0], "holds numbers with a fraction"), ([[1], [2]], "expected text, integers or")],
    ids=["fractions", "lists"],
)
def test_target_of_another_kind_is_refused(cells: list[object], message: str) -> None:
    with pytest.raises(TableInvalid, match=message):
        labels_of("t", pl.Series("y", cells))


def test_labels_are_found_among_the_models_own() -> None:
    index = index_among("t", pl.Series("y", ["9", "8", "", "9"]), (7, 8, 9))

    np.testing.assert_array_equal(index, [2, 1, -1, 2])


def test_labels_that_the_model_does_not_know_are_named() -> None:
    with pytest.raises(TableInvalid, match="does not know the labels 'w'; it knows: 'u', 'v'"):
        index_among("t", pl.Series("y", ["u", "w"]), ("u", "v"))


def test_text_that_looks_boolean_is_found_among_labels_of_text() -> None:
    index = index_among("t", pl.Series("y", ["True", "False"]), ("False", "True", "Unknown"))

    assert index.tolist() == [1, 0]


def test_label_of_five_thousand_digits_is_text() -> None:
    digits = "7" * 5000

    labels, _ = labels_of("t", pl.Series("y", [digits, "8"]))

    assert labels == (digits, "8")


def test_numbers_beyond_whole_ones_are_no_labels() -> None:
    with pytest.raises(TableInvalid, match="or beyond whole numbers"):
        labels_of("t", pl.Series("y", [1.0, float("inf")]))
