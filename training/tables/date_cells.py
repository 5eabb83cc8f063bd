"""Which cells of text are dates, and how they are written: found only where there is no doubt."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from service.inference.dates import FORM_PARTS, FORMS, MONTHS, STRICT_FORMS
from service.model_repository.signature import DateForm
from training.tables.gap_words import GAP_WORDS

_LOOKED_AT = 1000
_PARTS = {
    "yyyy": r"\d{4}",
    "yy": r"\d{2}",
    "mmm": f"(?i:{'|'.join(MONTHS)})",
    "mm": r"(?:0?[1-9]|1[0-2])",
    "dd": r"(?:0?[1-9]|[12]\d|3[01])",
}
# Looked for before each form is.
_MAYBE = r"^\d{1,4}[-/. ][0-9A-Za-z]{1,3}[-/. ]\d{2}|^\d{8}"
_TIME = r"(?:[Tt ]\d{1,2}:\d{2}.*)?"


def _pattern(form: DateForm) -> str:
    parts = FORM_PARTS.sub(lambda part: _PARTS[part[0]], re.escape(form))
    return f"^{parts.replace('0?', '0') if form in STRICT_FORMS else parts}{_TIME}$"


_PATTERNS = {form: _pattern(form) for form in FORMS}


@dataclass(frozen=True)
class DateCells:
    """How many cells are dates in each form; `others` are the first that are none, with their row.

    `example` is the first that is one in some form.
    `a + b` is of the rows of a and then b.
    """

    counts: Mapping[DateForm, int] = field(default_factory=dict)
    others: Mapping[DateForm, tuple[int, str] | None] = field(default_factory=dict)
    example: str | None = None

    def forms(self, count: int) -> tuple[DateForm, ...]:
        """The forms in which so many cells are dates: more than one where day may be month."""
        return tuple(form for form in FORMS if 0 < self.counts.get(form, 0) == count)

    @property
    def commonest(self) -> tuple[DateForm, int]:
        """The form of most cells, and of how many."""
        form = max(FORMS, key=lambda form: self.counts.get(form, 0))
        return form, self.counts.get(form, 0)

    def __add__(self, other: "DateCells") -> "DateCells":
        return DateCells(
            Counter(self.counts) + Counter(other.counts),
            {form: self.others.get(form) or other.others.get(form) for form in FORMS},
            self.example or other.example,
        )


def look_at_dates(text: pl.Series, first_row: int = 0) -> DateCells:
    """Of cells that are null where missing; the first of them is in row `first_row` + 1."""
    # A column of something else is not looked at to its end.
    present = text.drop_nulls()
    head = present.filter(~present.str.to_lowercase().is_in(list(GAP_WORDS))).head(_LOOKED_AT)
    if not _are_mostly(head, _MAYBE):
        return DateCells({}, dict.fromkeys(FORMS, _first(text, text.is_not_null(), first_row)))
    counts: dict[DateForm, int] = {}
    others = {}
    example = None
    for form, pattern in _PATTERNS.items():
        if not _are_mostly(head, pattern):
            others[form] = _first(text, text.is_not_null(), first_row)
            continue
        fits = text.str.contains(pattern)
        counts[form] = int(fits.sum())
        example = example or text.filter(fits)[0]
        others[form] = _first(text, ~fits, first_row)
    return DateCells(counts, others, example)


def _are_mostly(head: pl.Series, pattern: str) -> bool:
    return len(head) > 0 and 2 * int(head.str.contains(pattern).sum()) >= len(head)


def _first(text: pl.Series, wanted: pl.Series, first_row: int) -> tuple[int, str] | None:
    rows = wanted.fill_null(value=False).arg_true()
    return (first_row + int(rows[0]) + 1, str(text[int(rows[0])])) if len(rows) else None


def written(form: DateForm) -> str:
    """31 May 2024 in this form."""
    parts = {"yyyy": "2024", "yy": "24", "mmm": "May", "mm": "05", "dd": "31"}
    return FORM_PARTS.sub(lambda part: parts[part[0]], form)
