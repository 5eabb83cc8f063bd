"""Dates in tables: inferred where there is no doubt, settled by --date, and read as days."""

import datetime as dt
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.inference.dates import FORM_PARTS, FORMS, days_of
from service.model_repository.signature import DateForm
from training.errors import TableInvalid
from training.tables.columns import Typed, typed_columns
from training.tables.date_cells import look_at_dates
from training.tables.days import days_of_moments
from training.tables.kinds import Asked
from training.tables.text_cells import look_at

_PYTHON = {"yyyy": "%Y", "yy": "%y", "mmm": "%b", "mm": "%m", "dd": "%d"}
MANY = [f"2024-{month:02}-{day:02}" for month in range(1, 13) for day in range(1, 29)]


def _typed(asked: Asked | None = None, **columns: Any) -> Typed:
    frame = pl.DataFrame({"a": range(len(next(iter(columns.values())))), **columns})
    return typed_columns("t.csv", frame, asked or Asked())


def _dates(typed: Typed) -> dict[str, str]:
    return {c.name: c.date_form for c in typed.columns if c.kind == "date"}


def _refused(asked: Asked | None = None, **columns: Any) -> str:
    with pytest.raises(TableInvalid) as caught:
        _typed(asked, **columns)
    return str(caught.value)


@pytest.mark.parametrize(
    ("cells", "form"),
    [
        (["2024-01-31", "", " 2024-02-01T12:30:00Z "], "yyyy-mm-dd"),
        (["31/01/2024", "01/02/2024 12:30"], "dd/mm/yyyy"),
        (["1/31/2024", "2/1/2024"], "mm/dd/yyyy"),
        (["01.02.2024", "31.01.2024"], "dd.mm.yyyy"),
        (["01.02.2024", "03.01.2024"], "dd.mm.yyyy"),
        (["2024/01/02"], "yyyy/mm/dd"),
        (["31-01-2024"], "dd-mm-yyyy"),
        (["01-31-2024"], "mm-dd-yyyy"),
        (["31-MAY-2024", "1-jun-2024 12:00"], "dd-mmm-yyyy"),
        (["31 May 2024"], "dd mmm yyyy"),
    ],
)
def test_form_is_found_where_every_cell_fits_one_alone(cells: list[str], form: str) -> None:
    typed = _typed(when=cells)

    assert _dates(typed) == {"when": form}
    assert typed.notes == ("column 'when' is read as dates; --categorical 'when' takes text",)


def test_dates_and_moments_of_a_parquet_file_are_days() -> None:
    moments = pl.Series([dt.datetime(2024, 5, 31, 12), None])  # noqa: DTZ001
    typed = _typed(
        day=[dt.date(2024, 5, 31), None],
        moment=moments,
        ns=moments.cast(pl.Datetime("ns")),
        zoned=moments.dt.replace_time_zone("Europe/Berlin"),
    )

    assert {*_dates(typed)} == {"day", "moment", "ns", "zoned"}
    np.testing.assert_array_equal(
        typed.features.numeric[:, 1:],
        [[19874, 19874.5, 19874.5, 19874 + np.floor(10 / 24 * 256) / 256], [np.nan] * 4],
    )


@given(
    moments=st.lists(st.none() | st.datetimes(dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31)))  # noqa: DTZ001
)
def test_moments_and_their_text_are_the_same_number(moments: list[dt.datetime | None]) -> None:
    days = days_of_moments(pl.Series(moments, dtype=pl.Datetime("us")))

    expected = [np.nan if m is None else days_of(m.isoformat()) for m in moments]
    np.testing.assert_array_equal(days, expected)


def test_day_that_may_be_a_month_is_not_guessed_at() -> None:
    assert _refused(when=["03/04/2024", "11/12/2023"]) == (
        "t.csv: column 'when' holds dates such as '03/04/2024', and no day above 12: "
        "--date 'when=dd/mm/yyyy' or --date 'when=mm/dd/yyyy' says which is the day, "
        "--ignore 'when' leaves it out"
    )


@given(date=st.dates(dt.date(1000, 1, 1)), form=st.sampled_from(FORMS))
def test_every_date_that_is_read_is_seen_to_be_one(date: dt.date, form: DateForm) -> None:
    text = date.strftime(FORM_PARTS.sub(lambda part: _PYTHON[part[0]], form))

    assert form in look_at_dates(pl.Series([text])).forms(1)


@pytest.mark.parametrize(
    ("cells", "flags"),
    [
        (["31/05/24", "01/06/24"], "--date 'when=dd/mm/yy' takes them so"),
        (["05/31/24"], "--date 'when=mm/dd/yy' takes them so"),
        (["01.06.24"], "--date 'when=dd.mm.yy' takes them so"),
        (["31-May-24"], "--date 'when=dd-mmm-yy' takes them so"),
        (["01/06/24"], "--date 'when=dd/mm/yy' or --date 'when=mm/dd/yy' says which is the day"),
    ],
)
def test_years_of_two_digits_are_not_guessed_at(cells: list[str], flags: str) -> None:
    told = f"dates such as '{cells[0]}', whose year has two digits: {flags}, --ignore"

    assert told in _refused(when=cells)


def test_digits_alone_are_numbers_unless_date_says_so() -> None:
    cells = ["20240531", "20231201"]
    asked = Asked(dates={"when": "yyyymmdd"})

    found = _typed(when=cells)

    assert found.notes == (
        (
            "column 'when' is taken as numbers, though it may hold dates such as 20240531; "
            "--date 'when=yyyymmdd' takes dates"
        ),
    )
    for dates in (_typed(asked, when=cells), _typed(asked, when=list(map(int, cells)))):
        assert dates.features.numeric[:, 1].tolist() == [19874, 19692]
    assert "got Int64; --date 'when=yyyymmdd' takes" in _refused(
        Asked(dates={"when": None}), when=list(map(int, cells))
    )


@pytest.mark.parametrize(
    ("form", "day"), [("dd/mm/yyyy", "2024-04-03"), ("mm/dd/yyyy", "2024-03-04")]
)
def test_date_settles_it(form: Any, day: str) -> None:
    typed = _typed(Asked(dates={"when": form}), when=["03/04/2024", "11/12/2023"])

    assert _dates(typed) == {"when": form}
    assert typed.features.numeric[0, 1] == days_of(day)


def test_date_without_a_form_finds_it_or_says_what_settles_it() -> None:
    asked = Asked(dates={"when": None})

    assert _dates(_typed(asked, when=["31/01/2024", "03/04/2024"])) == {"when": "dd/mm/yyyy"}
    assert "--date 'when=mm/dd/yyyy' says which" in _refused(asked, when=["03/04/2024"])


def test_cell_that_is_no_date_is_told_with_its_row_and_the_flags() -> None:
    assert _refused(when=["2024-01-31", "2024-02-30", "2024-02-31"]) == (
        "t.csv: row 2, column 'when': expected a date such as 2024-05-31, got '2024-02-30' "
        "(2 such cells in rows 1 to 3): --missing 2024-02-30 takes it as a gap, "
        "--ignore 'when' leaves it out"
    )
    assert "row 2, column 'when': expected a date such as 31/05/2024, got 'soon'" in _refused(
        Asked(dates={"when": "dd/mm/yyyy"}), when=["03/04/2024", "soon"]
    )
    assert "column 'a': expected dates, got Int64;" in _refused(Asked(dates={"a": None}), b=["x"])


def test_dates_among_other_texts_are_told_with_the_first_of_them() -> None:
    cells = [*MANY]
    cells[5] = "soon"

    assert _refused(when=cells) == (
        "t.csv: column 'when' mixes 335 dates such as 2024-05-31 with 1 other texts, the first "
        "'soon' in row 6: mend the file, or --missing soon takes such cells as gaps, "
        "--ignore 'when' leaves it out"
    )
    assert _dates(_typed(Asked(missing=("soon",)), when=cells)) == {"when": "yyyy-mm-dd"}


def test_words_for_a_gap_among_dates_are_told_with_their_flag() -> None:
    assert "335 dates and '?' in 1 row: --missing '?' takes it as a gap" in _refused(
        when=["?", *MANY[1:]]
    )


@pytest.mark.parametrize("backwards", [False, True])
def test_column_of_dates_is_one_wherever_its_words_for_a_gap_stand(backwards: bool) -> None:
    cells = [*["-"] * 600, *["31/05/2024"] * 1400]

    assert "1400 dates and '-' in 600 rows: --missing -" in _refused(
        when=cells[::-1] if backwards else cells
    )


def test_name_after_date_is_known_or_refused() -> None:
    assert "--date names 'wen'" in _refused(Asked(dates={"wen": None}), when=["2024-01-31"])


def test_parts_of_a_column_say_what_the_whole_says() -> None:
    text = pl.Series(["03/04/2024", None, "11/12/2023", "31/01/2024", "soon"])
    parts = look_at(text[:2], 0) + look_at(text[2:4], 2) + look_at(text[4:], 4)

    whole = look_at(text[:4]).dates
    assert whole.forms(3) == ("dd/mm/yyyy",)
    assert parts.dates.forms(3) == ("dd/mm/yyyy",)
    assert parts.dates.commonest == ("dd/mm/yyyy", 3)
    assert parts.dates.others["dd/mm/yyyy"] == (5, "soon")
