"""Column types: inferred, set by the user, and refused where they are mixed."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from training.errors import TableInvalid
from training.tables.columns import Typed, typed_columns
from training.tables.kinds import Asked


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
    cells[17] = "lots"

    with pytest.raises(TableInvalid) as caught:
        _typed(age=cells)

    assert str(caught.value) == (
        "t.csv: column 'age' mixes 49 numbers with 1 other texts, the first 'lots' in row 18: "
        "mend the file, or --categorical 'age' takes all of it as text"
    )


def test_numbers_beside_words_that_may_say_a_gap_are_told_with_the_flag_that_settles_it() -> None:
    cells = [str(i) for i in range(50)]
    cells[17] = cells[18] = "?"
    cells[30] = "unknown"

    with pytest.raises(TableInvalid) as caught:
        _typed(age=cells)

    assert str(caught.value) == (
        "t.csv: column 'age' holds 47 numbers and '?' in 2 rows, 'unknown' in 1 row: "
        "--missing '?' unknown takes them as gaps, --categorical 'age' all of the column as text"
    )
    assert caught.value.problems[0].settles == {"missing": ("?", "unknown")}


def test_markers_that_were_asked_for_are_gaps_in_numbers_and_text() -> None:
    typed = _typed(Asked(missing=("?", "-")), age=["1", "?", "NA"], plan=["a", "-", ""])

    assert _kinds(typed) == {"age": "number", "plan": "category"}
    np.testing.assert_array_equal(typed.features.numeric[:, 0], [1, np.nan, np.nan])
    assert typed.features.categorical[:, 0].tolist() == ["a", "", ""]


@pytest.mark.parametrize(
    ("cells", "numbers", "note"),
    [
        (["$1,234.50", "$20", "-$3.5"], [1234.5, 20, -3.5], "$ and thousands separators are left"),
        (
            ["1.234,50 €", "7 €", "(2,5 €)"],
            [1234.5, 7, -2.5],
            "€ and thousands separators are left",
        ),
        (["12 %", "0.5%", ""], [12, 0.5, np.nan], "in percent, 12 stands for 12 %"),
        (["1,234", "1,000,000", "5"], [1234, 1e6, 5], "thousands separators are left out"),
        (["CHF 1'234.50", "12", "99.5"], [1234.5, 12, 99.5], "CHF and thousands separators"),
        (["1\u202f234,5", "12", "\u22125"], [1234.5, 12, -5], "thousands separators are left out"),
    ],
    ids=["dollars", "euros", "percent", "thousands", "apostrophes", "narrow blanks"],
)
def test_numbers_as_people_write_them_are_numbers_and_a_note_says_what_is_left_out(
    cells: list[str], numbers: list[float], note: str
) -> None:
    typed = _typed(x=cells)

    assert _kinds(typed) == {"x": "number"}
    np.testing.assert_array_equal(typed.features.numeric[:, 0], np.array(numbers, np.float32))
    assert typed.notes[0].startswith("column 'x' is read as numbers: ")
    assert note in typed.notes[0]


def test_decimal_comma_is_taken_where_no_column_needs_a_point_and_a_note_says_so() -> None:
    typed = _typed(price=["3,50", "12,25", "7"], rooms=["1.234", "2", "3"])

    assert typed.features.numeric.tolist() == [[3.5, 1234], [12.25, 2], [7, 3]]
    assert [column.written and column.written.decimal for column in typed.columns] == [",", ","]
    assert any("--decimal . reads a point" in note for note in typed.notes)


def test_decimal_comma_beside_a_point_is_refused_and_not_guessed_at() -> None:
    with pytest.raises(TableInvalid) as caught:
        _typed(price=["3,50", "12,25", "7"], weight=["1.5", "2", "3"])

    assert str(caught.value) == (
        "t.csv: column 'price' holds numbers with a decimal comma such as '3,50', where other "
        "columns have a point: mend the file, or --categorical 'price' takes it as text"
    )


def test_decimal_mark_that_was_asked_for_settles_what_a_comma_is() -> None:
    cells = ["1,234", "5,678", "9"]

    found = _typed(x=cells)
    assert found.features.numeric[:, 0].tolist() == [1234, 5678, 9]
    assert "--decimal , takes these for the decimal mark" in found.notes[0]
    by_comma = _typed(Asked(decimal=","), x=cells).features.numeric[:, 0]
    np.testing.assert_array_equal(by_comma, np.array([1.234, 5.678, 9], np.float32))


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (["$5", "€6", "$7"], "holds amounts in $, €: "),
        (["12 %", "0.12", "13 %"], "holds 2 numbers with a percent sign and 1 without: "),
    ],
    ids=["two currencies", "percent and fractions"],
)
def test_numbers_of_two_units_are_refused(cells: list[str], words: str) -> None:
    with pytest.raises(TableInvalid, match="--numeric 'x' takes the numbers as they stand") as told:
        _typed(x=cells)

    assert words in str(told.value)
    assert _typed(Asked(numeric=("x",)), x=cells).columns[0].kind == "number"


def test_numbers_with_zeros_at_the_beginning_are_categories_with_a_way_back() -> None:
    cells = ["01047", "99501", "NA"]

    typed = _typed(zip=cells)

    assert typed.features.categorical[:, 0].tolist() == ["01047", "99501", ""]
    assert typed.notes == (
        (
            "column 'zip' is taken as categories: zeros at the beginning, as codes have them, "
            "would be lost to a number; --numeric 'zip' takes numbers"
        ),
    )
    assert _typed(Asked(numeric=("zip",)), zip=cells).features.numeric[0, 0] == 1047


def test_every_bad_column_of_a_file_is_told_in_one_run() -> None:
    ages = [*map(str, range(30)), "?"]

    with pytest.raises(TableInvalid) as caught:
        _typed(
            Asked(numeric=("weight",)),
            age=ages,
            weight=["heavy"] * 31,
            price=["$5", *["€6"] * 30],
            fine=["a"] * 31,
        )

    lines = str(caught.value).splitlines()
    assert lines[0] == "t.csv: 3 problems:"
    assert [line.split("'")[1] for line in lines[1:]] == ["age", "price", "weight"]


def test_word_in_a_column_that_was_set_to_numbers_is_refused() -> None:
    with pytest.raises(TableInvalid, match="row 2, column 'age': expected a number within float32"):
        _typed(Asked(numeric=("age",)), age=["1", "old"])


def test_column_that_is_named_and_not_there_is_refused() -> None:
    with pytest.raises(TableInvalid, match="--categorical names 'zip'; the columns are a"):
        _typed(Asked(categorical=("zip",)), a=["1"])


@pytest.mark.parametrize(
    "cells",
    [pl.Series("when", ["12:30", "01:00"]).str.to_time(), pl.Series("when", [[1], [2]])],
    ids=["times", "lists"],
)
def test_times_and_lists_are_left_out_with_a_word(cells: pl.Series) -> None:
    typed = typed_columns("t", pl.DataFrame([cells, pl.Series("a", [1, 2])]), Asked())

    assert _kinds(typed) == {"a": "number"}
    assert typed.notes[0].startswith("column 'when' is left out: it holds ")


def test_dates_can_be_taken_as_categories() -> None:
    typed = _typed(Asked(categorical=("when",)), when=["2024-01-31", "2024-02-01"])

    assert typed.features.categorical[:, 0].tolist() == ["2024-01-31", "2024-02-01"]


def test_ten_thousand_distinct_categories_are_read() -> None:
    typed = _typed(name=[f"name {i}" for i in range(10_000)])

    assert len(set(typed.features.categorical[:, 0])) == 10_000


def test_categories_that_case_and_blanks_do_not_tell_apart_are_one() -> None:
    typed = _typed(
        Asked(folded=("plan",)), plan=["Basic", "basic ", "BASIC", "Big  Box", "big box"]
    )

    assert typed.features.categorical[:, 0].tolist() == ["basic"] * 3 + ["big box"] * 2
    assert typed.columns[0].folds_case
