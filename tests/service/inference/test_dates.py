"""Dates as days since 1970-01-01, held against Python's datetime."""

import datetime as dt
import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.inference.dates import FORM_PARTS, FORMS, days_of, iso_text, read_date
from service.model_repository.signature import DateForm

EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - a date has no zone
DAY = dt.timedelta(days=1)
STEP = DAY / 256
# What float32 has room for with a time of day.
NEAR = st.datetimes(dt.datetime(1792, 1, 1), dt.datetime(2149, 1, 1))  # noqa: DTZ001
_PYTHON = {"yyyy": "%Y", "yy": "%y", "mmm": "%b", "mm": "%m", "dd": "%d"}
# Of which a year of two digits is one.
CENTURY = st.dates(dt.date(1969, 1, 1), dt.date(2068, 12, 31))


@given(date=st.dates())
def test_days_of_a_date_are_those_of_datetime(date: dt.date) -> None:
    days = days_of(date.isoformat())

    assert days == (date - EPOCH.date()).days
    assert np.float32(days) == days
    assert iso_text(days) == date.isoformat()


@given(moment=NEAR)
@example(moment=dt.datetime(2024, 5, 31, 23, 59, 59, 999_999))  # noqa: DTZ001
def test_moment_is_rounded_down_to_a_part_of_its_own_day(moment: dt.datetime) -> None:
    days = days_of(moment.isoformat())

    assert days is not None
    assert np.float32(days) == days
    assert dt.timedelta(0) <= (moment - EPOCH) - days * DAY < STEP
    assert math.floor(days) == (moment.date() - EPOCH.date()).days


@given(moment=st.datetimes())
def test_moments_far_away_are_in_their_day_too(moment: dt.datetime) -> None:
    days = days_of(moment.isoformat(sep=" "))

    assert days is not None
    assert math.floor(np.float32(days)) == (moment.date() - EPOCH.date()).days


@given(moment=NEAR, offset=st.integers(-14 * 60, 14 * 60).map(lambda m: dt.timedelta(minutes=m)))
def test_time_with_an_offset_is_taken_at_utc(moment: dt.datetime, offset: dt.timedelta) -> None:
    with_offset = moment.replace(tzinfo=dt.timezone(offset))

    assert days_of(with_offset.isoformat()) == days_of((moment - offset).isoformat())


@given(steps=st.integers(-(2**24), 2**24))
def test_written_as_iso_it_is_read_as_the_same_number(steps: int) -> None:
    assert days_of(iso_text(steps / 256)) == steps / 256


@given(days=st.floats(allow_nan=False, allow_infinity=False))
def test_any_number_is_written_as_some_date(days: float) -> None:
    assert days_of(iso_text(days)) is not None


@given(date=CENTURY, form=st.sampled_from(FORMS))
def test_forms_of_files_are_read(date: dt.date, form: DateForm) -> None:
    written = date.strftime(FORM_PARTS.sub(lambda part: _PYTHON[part[0]], form))

    assert days_of(written, form) == (date - EPOCH.date()).days
    assert days_of(f"{written} 12:00", form) == (date - EPOCH.date()).days + 0.5


@given(moment=NEAR)
def test_clocks_of_twelve_hours_are_read(moment: dt.datetime) -> None:
    written = moment.strftime("%m/%d/%Y %I:%M:%S %p")

    assert days_of(written, "mm/dd/yyyy") == days_of(moment.isoformat())


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("1970-01-01", 0.0),
        ("2024-05-31T12:00Z", 19874.5),
        ("2024-05-31 12:00:00 UTC", 19874.5),
        ("2024-05-31T12:00:00.5+00", 19874.5),
        ("2024-05-31T14:00+0200", 19874.5),
    ],
)
def test_ways_to_write_a_moment(text: str, days: float) -> None:
    assert days_of(text) == days


@pytest.mark.parametrize(
    "text",
    ["", "2024", "2024-5-31", "2024-02-30", "31.05.2024", "20240531", "2024-05-31T25:00",
     "2024-05-31T12:60", "2024-05-31T", "2024-05-31T12:00+1",
     "2024-05-31 13:00 PM", "2024-05-31 0:30 AM", "\u0662024-05-31", "0000-00-00",
     "2024-05-31\n"],
)  # fmt: skip
def test_other_text_is_no_date(text: str) -> None:
    assert days_of(text) is None


@given(text=st.text())
def test_any_text_is_a_date_or_none(text: str) -> None:
    for form in FORMS:
        days_of(text, form)


def test_cell_is_read_with_its_blanks_its_words_for_missing_and_iso_beside_its_form() -> None:
    assert read_date(" 2024-05-31 ", ()) == 19874
    assert math.isnan(read_date("NA", ("NA",)) or 0)
    assert math.isnan(read_date(" ", ()) or 0)
    assert read_date("31/05/2024", (), "dd/mm/yyyy") == 19874
    assert read_date("2024-05-31", (), "dd/mm/yyyy") == 19874
    assert read_date("31/05/2024", ()) is None
