"""The dates of a JSON row: ISO 8601 text, or a gap where one may be."""

import math
from collections.abc import Sequence

from service.codecs.json_body import Problems, describe
from service.inference.dates import EXAMPLE, read_date
from service.inference.features import RowFormat


def check_dates(cells: Sequence[object], number: int, form: RowFormat, problems: Problems) -> None:
    """Add a problem for every cell of a row that is to be a date and is none."""
    for place in form.dates:
        why, name = _why_not(cells[place], place, form), form.names[place]
        if why is not None:
            problems.add(_expected, cells[place], why, row=number, feature=name)


def _why_not(cell: object, place: int, form: RowFormat) -> str | None:
    """Why a cell is not taken for a date, "" where that can be seen; None if it is."""
    days = read_date(cell, form.missing_texts) if isinstance(cell, str) else None
    if days is None and cell is not None:
        return ""
    is_gap = days is None or math.isnan(days)
    return form.required.get(place) if is_gap else None


def _expected(cell: object, why: str) -> str:
    return f"expected a date such as {EXAMPLE}, got {describe(cell)}" + (f": {why}" if why else "")
