"""Numbers as people write them are the numbers that they mean, and other texts are none."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.model_repository.signature import DecimalMark, NumberFormat
from training.tables.written import read_numbers, signs_of

_MARKS: st.SearchStrategy[DecimalMark] = st.sampled_from((".", ","))
_BLANKS = ("", " ", "\xa0", "\u202f")


@given(
    cents=st.integers(0, 10**11),
    decimal=_MARKS,
    separator=st.sampled_from(["", "mark", "'", "\u2019", *_BLANKS]),
    sign=st.sampled_from(["", "-", "+", "\u2212", "("]),
    unit=st.sampled_from(["", "$", "€", "US$", "CHF", "%"]),
    blank=st.sampled_from(_BLANKS),
    is_before=st.booleans(),
)
def test_written_number_is_the_number_that_was_written(
    cents: int,
    decimal: DecimalMark,
    separator: str,
    sign: str,
    unit: str,
    blank: str,
    is_before: bool,
) -> None:
    mark = {".": ",", ",": "."}[decimal] if separator == "mark" else separator
    number = f"{cents // 100:,}".replace(",", mark) + f"{decimal}{cents % 100:02}"
    if unit:
        before = is_before and unit != "%"
        number = f"{unit}{blank}{number}" if before else f"{number}{blank}{unit}"
    text = f"({number})" if sign == "(" else sign + number

    read = read_numbers(pl.Series([text]), decimal).to_list()

    assert read == [-cents / 100 if sign in ("-", "\u2212", "(") else cents / 100]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_number_as_programs_write_it_is_read_as_it_is(value: float) -> None:
    assert read_numbers(pl.Series([repr(value)]), ".").to_list() == [value]


@pytest.mark.parametrize(
    "text",
    [
        "1,5", "12,34,5", "1.2.3", "$", "%", "(5", "5)", "1,2345", "$ $5", "5 % %", "abc 123",
        "AB 12", "2024-01-31", "0171 1234567", "--5", "$-", "1 2", "12a",
    ],
)  # fmt: skip
def test_other_texts_are_no_numbers(text: str) -> None:
    assert read_numbers(pl.Series([text]), ".").to_list() == [None]


def test_gaps_stay_gaps() -> None:
    assert read_numbers(pl.Series([None, "$5"], dtype=pl.String), ".").to_list() == [None, 5]


def test_signs_say_how_a_column_is_written() -> None:
    signs = signs_of(pl.Series(["$1,234.50", "$3", "7"]), ".")

    assert signs.format(".") == NumberFormat(currency="$", separators=True)
    assert signs.format(".").example == (1234.5, "$1,234.50")
