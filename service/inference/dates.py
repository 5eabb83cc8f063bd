"""Dates as numbers: days since 1970-01-01, which is what a graph takes.

A time of day is a part of a day, down to 1/256 (5.6 minutes): that is exact in float32 from 1791 to
2149, so that no moment is ever rounded into the next day. Further away a date is a whole day.
"""

import datetime as dt
import math
import re
from collections.abc import Collection
from functools import lru_cache
from typing import get_args

from service.inference.spelling import BLANKS
from service.model_repository.signature import DateForm

ISO: DateForm = "yyyy-mm-dd"
EXAMPLE = "2024-05-31"
STEPS_A_DAY = 256
# From here on float32 has no room for parts of a day.
FAR_DAYS = 2**16
# 0001-01-01 and 9999-12-31.
FIRST_DAY, LAST_DAY = -719_162.0, 2_932_896.0
DAY_MICROSECONDS = 86_400_000_000
STEP_MICROSECONDS = DAY_MICROSECONDS // STEPS_A_DAY
_LONGEST = 48
_EPOCH = dt.date(1970, 1, 1).toordinal()

_TIME = (
    r"(?:[Tt ](?P<h>[0-9]{1,2}):(?P<min>[0-9]{2})(?::(?P<s>[0-9]{2})(?:[.,](?P<f>[0-9]{1,9}))?)?"
    r"(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?"
    r"(?: ?(?:[Zz]|UTC|(?P<sign>[+-])(?P<oh>[0-9]{2}):?(?P<om>[0-9]{2})?))?)?"
)
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
FORM_PARTS = re.compile("yyyy|yy|mmm|mm|dd")
# In these no digit may be left out.
STRICT_FORMS = (ISO, "yyyymmdd")
# As POSIX has it: 69 to 99 are of the last century.
_FIRST_OF_LAST_CENTURY = 69
_PARTS = {
    "yyyy": "(?P<y>[0-9]{4})",
    "yy": "(?P<y>[0-9]{2})",
    "mmm": f"(?P<m>(?i:{'|'.join(MONTHS)}))",
    "mm": "(?P<m>[0-9]{1,2})",
    "dd": "(?P<d>[0-9]{1,2})",
}


def _pattern(form: DateForm) -> re.Pattern[str]:
    parts = FORM_PARTS.sub(lambda part: _PARTS[part[0]], re.escape(form))
    return re.compile((parts.replace("{1,2}", "{2}") if form in STRICT_FORMS else parts) + _TIME)


FORMS: tuple[DateForm, ...] = get_args(DateForm)
_PATTERNS = {form: _pattern(form) for form in FORMS}


def days_of(text: str, form: DateForm = ISO) -> float | None:
    """The days from 1970-01-01 to a date, with or without a time of day; None for other text.

    A time with an offset is taken at UTC, one without it as it stands.
    """
    return _days_of(text, form) if len(text) <= _LONGEST else None


# A cell of a request is looked at twice, and the same days come again and again.
@lru_cache(maxsize=4096)
def _days_of(text: str, form: DateForm) -> float | None:
    found = _PATTERNS[form].fullmatch(text)
    if found is None:
        return None
    part = found.groupdict()
    try:
        date = dt.date(_year(part["y"]), _month(part["m"]), int(part["d"]))
    except ValueError:
        return None
    day = date.toordinal() - _EPOCH
    if part["h"] is None:
        return float(day)
    microseconds = _microseconds(part)
    if microseconds is None:
        return None
    return in_days(day * DAY_MICROSECONDS + microseconds)


def _year(text: str) -> int:
    year = int(text)
    if len(text) == 4:
        return year
    return year + (1900 if year >= _FIRST_OF_LAST_CENTURY else 2000)


def _month(text: str) -> int:
    return int(text) if text.isdigit() else MONTHS.index(text.lower()) + 1


def read_date(cell: str, missing_texts: Collection[str], form: DateForm = ISO) -> float | None:
    """The days of a cell, NaN where it says that it is missing; None for what is no date.

    In files and in requests alike blanks around it are cut off, and ISO 8601 is understood whatever
    the form.
    """
    text = cell.strip(BLANKS)
    if text in missing_texts or not text:
        return math.nan
    days = days_of(text, form)
    return days_of(text) if days is None and form != ISO else days


def in_days(microseconds: int) -> float:
    """Microseconds since 1970-01-01 as days, rounded down to what float32 holds."""
    day = microseconds // DAY_MICROSECONDS
    if not -FAR_DAYS <= day < FAR_DAYS:
        return float(day)
    return microseconds // STEP_MICROSECONDS / STEPS_A_DAY


def iso_text(days: float) -> str:
    """A number of days as it is written: 2024-05-31, or 2024-05-31T12:30 with a time of day.

    Days that no date has are taken for the nearest that one has.
    """
    days = min(max(days, FIRST_DAY), LAST_DAY)
    # Up, so that it is read as the same part of the day.
    minutes = math.ceil(days * 1440)
    date = dt.date.fromordinal(minutes // 1440 + _EPOCH).isoformat()
    if days == int(days):
        return date
    return f"{date}T{minutes % 1440 // 60:02}:{minutes % 60:02}"


def _microseconds(part: dict[str, str | None]) -> int | None:
    """A time of day at UTC, from its parts; None for one that no clock shows."""
    hours, minutes, seconds = _hours(part), int(part["min"] or 0), int(part["s"] or 0)
    east_hours, east_minutes = int(part["oh"] or 0), int(part["om"] or 0)
    if hours > 23 or max(minutes, seconds, east_minutes) > 59 or east_hours > 23:
        return None
    east = (60 * east_hours + east_minutes) * (-1 if part["sign"] == "-" else 1)
    fraction = int((part["f"] or "").ljust(9, "0")[:6])
    return ((60 * hours + minutes - east) * 60 + seconds) * 1_000_000 + fraction


def _hours(part: dict[str, str | None]) -> int:
    """Of a clock of 12 hours as of one of 24; 24 and more for what neither shows."""
    hours, half = int(part["h"] or 0), part["half"]
    if half is None:
        return hours
    if not 1 <= hours <= 12:
        return 24
    return hours % 12 + (12 if half in "Pp" else 0)
