"""Column types: inferred, set by the user, and refused where they are mixed."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from training.errors import TableInvalid
from training.tables.columns import Asked, Typed, typed_columns


def _typed(asked: Asked | None = None, **columns: Any) -> Typed:
    return typed_columns("t.csv", pl.DataFrame(columns), asked or Asked())


def _kinds(typed: Typed) -> dict[str, str]:
    return {column.name: column.kind for column in typed.columns}


def test_numbers_and_text_are_told_apart() -> None:
    typed = _typed(
        whole=["1", "2", "NA"],
        decimal=["1.5", " -2e3 ", ""],
        word=["red", "green", "NA"],
        rating=["1", "2", "3+"],
        flag=[True, False, None],
        amount=[1.5, 2.5, float("nan")],
    )

    assert _kinds(typed) == {
        "whole": "number",
        "decimal": "number",
        "word": "category",
        "rating": "category",
        "flag": "category",
        "amount": "number",
    }
    np.testing.assert_array_equal(
        typed.features.numeric, [[1, 1.5, 1.5], [2, -2000, 2.5], [np.nan, np.nan, np.nan]]
    )
    assert typed.features.categorical[2].tolist() == ["", "3+", ""]


def test_types_can_be_set() -> None:
    typed = _typed(
        Asked(numeric=("age",), categorical=("zip",), ignored=("id",)),
        age=["1", "NA"],
        zip=["01234", "99"],
        id=["a", "b"],
    )

    assert _kinds(typed) == {"age": "number", "zip": "category"}
    assert typed.features.categorical[:, 0].tolist() == ["01234", "99"]
    assert typed.left_out == ("id",)


def test_column_of_numbers_with_some_words_is_refused_by_the_first_of_them() -> None:
    cells = [str(i) for i in range(50)]
    cells[17] = "unknown"

    with pytest.raises(TableInvalid) as caught:
        _typed(age=cells)

    assert str(caught.value) == (
        "t.csv: column 'age' mixes 49 numbers with 1 other texts, the first 'unknown' in row 18: "
        "mend the file, or --categorical 'age' takes all of it as text"
    )


def test_numbers_with_a_comma_are_refused_and_not_guessed_at() -> None:
    with pytest.raises(TableInvalid, match="column 'price' holds numbers with a comma such as '3,"):
        _typed(price=["3,50", "12,25", "7"])


def test_word_in_a_column_that_was_set_to_numbers_is_refused() -> None:
    with pytest.raises(TableInvalid, match="row 2, column 'age': expected a number within float32"):
        _typed(Asked(numeric=("age",)), age=["1", "old"])


def test_column_that_is_named_and_not_there_is_refused() -> None:
    with pytest.raises(TableInvalid, match="--categorical names 'zip'; the columns are a"):
        _typed(Asked(categorical=("zip",)), a=["1"])


@pytest.mark.parametrize(
    "cells",
    [
        pl.Series("when", ["2024-01-31", "2024-02-01"]),
        pl.Series("when", ["2024-01-31", "2024-02-01"]).str.to_date(),
        pl.Series("when", [[1], [2]]),
    ],
    ids=["text", "dates", "lists"],
)
def test_dates_and_lists_are_left_out_with_a_word(cells: pl.Series) -> None:
    typed = typed_columns("t", pl.DataFrame([cells, pl.Series("a", [1, 2])]), Asked())

    assert _kinds(typed) == {"a": "number"}
    assert typed.notes[0].startswith("column 'when' is left out: it holds ")


def test_dates_can_be_taken_as_categories() -> None:
    typed = _typed(Asked(categorical=("when",)), when=["2024-01-31", "2024-02-01"])

    assert typed.features.categorical[:, 0].tolist() == ["2024-01-31", "2024-02-01"]


def test_ten_thousand_distinct_categories_are_read() -> None:
    typed = _typed(name=[f"name {i}" for i in range(10_000)])

    assert len(set(typed.features.categorical[:, 0])) == 10_000
