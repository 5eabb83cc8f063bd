"""The cells of a JSON row: numbers, text and gaps, each where its feature takes it."""

import re
from collections.abc import Sequence

from service.codecs.json_body import Problems, are_numbers, describe, is_number
from service.codecs.json_dates import check_dates
from service.inference.features import RowFormat

_NUMBER = re.compile(r"\s*-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?\s*")
_GAP = re.compile(r"\s*(?:|nan|na|n/a|null|none)\s*", re.IGNORECASE)
# No number that is typed is longer, and what is searched comes from a client.
_LONGEST = 64


def check_cells(cells: Sequence[object], number: int, form: RowFormat, problems: Problems) -> None:
    """Add a problem for every cell of a row that its feature does not take."""
    if form.plain and are_numbers(cells):
        return
    for place in form.numbers:
        cell, name = cells[place], form.names[place]
        if not is_number(cell) and not _may_be_gap(cell, place, form):
            problems.add(_no_number, cell, place, form, row=number, feature=name)
    for place in form.texts:
        cell, name = cells[place], form.names[place]
        is_text = type(cell) is str or (type(cell) is bool and place in form.booleans)
        if not is_text and not _may_be_gap(cell, place, form):
            problems.add(_no_text, cell, place, form, row=number, feature=name)
    if form.dates:
        check_dates(cells, number, form, problems)


def _may_be_gap(cell: object, place: int, form: RowFormat) -> bool:
    return cell is None and place not in form.required


def _no_number(cell: object, place: int, form: RowFormat) -> str:
    written = form.written.get(place, "")
    return f"expected a number{written}, got {describe(cell)}{_way_on(cell, place, form)}"


def _way_on(cell: object, place: int, form: RowFormat) -> str:
    if cell is None:
        return f": {form.required[place]}"
    if not isinstance(cell, str) or len(cell) > _LONGEST:
        return ""
    if _NUMBER.fullmatch(cell):
        return ": send it without quotes"
    is_gap = _GAP.fullmatch(cell) and place not in form.required
    return ": send null for a missing value" if is_gap else ""


def _no_text(cell: object, place: int, form: RowFormat) -> str:
    if cell is None:
        return f"expected a string, got null: {form.required[place]}"
    way_on = "" if isinstance(cell, list | dict) else ": send it in quotes"
    return f"expected a string, got {describe(cell)}{way_on}"
