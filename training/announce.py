"""What was made of a table, told on standard error before the fit."""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence

from service.inference.dates import iso_text
from training.inputs import Column
from training.preprocess import RARE, Summary
from training.screen import show

_COLUMNS_SHOWN = 40


def show_table(columns: Sequence[Column], summaries: Sequence[Summary]) -> None:
    """What was taken for what, on standard error."""
    show(table_lines(columns, summaries), sys.stderr)


def table_lines(columns: Sequence[Column], summaries: Sequence[Summary]) -> Iterator[str]:
    """What was taken for what; of a wide table the first columns."""
    width = min(32, max(len(column.name) for column in columns[:_COLUMNS_SHOWN]))
    pairs = list(zip(columns, summaries, strict=True))
    for column, summary in pairs[:_COLUMNS_SHOWN]:
        yield f"{column.name:{width}.{width}}  {_described(column, summary)}"
    if len(pairs) > _COLUMNS_SHOWN:
        counts = Counter(column.kind for column in columns)
        dates = f", {counts['date']} of dates" if counts["date"] else ""
        yield (
            f"... {len(columns)} columns in all: {counts['number']} of numbers, "
            f"{counts['category']} of categories{dates}"
        )


def show_notes(notes: Sequence[str]) -> None:
    """What the user should know, on standard error."""
    show(note_lines(notes), sys.stderr)


def note_lines(notes: Sequence[str]) -> Iterator[str]:
    """What the user should know, a line each."""
    return (f"note: {note}" for note in notes)


def _described(column: Column, summary: Summary) -> str:
    missing = f", {summary.missing:.1%} missing" if summary.missing else ""
    unused = ", not used" if summary.unused else ""
    if summary.missing == 1:
        return f"{column.kind:8}  no value{unused}"
    if column.kind == "date":
        span = f"{iso_text(summary.minimum or 0)} to {iso_text(summary.maximum or 0)}"
        return f"date      {span}{missing}{unused}"
    if column.kind == "number":
        return f"number    {summary.minimum:g} to {summary.maximum:g}{missing}{unused}"
    categories = summary.categories or ()
    if not categories and summary.unused:
        return f"text      no value in {RARE} training rows or more{missing}{unused}"
    shown = ", ".join(categories[:4]) + (", ..." if len(categories) > 4 else "")
    return f"category  {len(categories)}: {shown}{missing}{unused}"
