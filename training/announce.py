"""What was made of a table, told on standard error before the fit."""

import sys
from collections import Counter
from collections.abc import Sequence

from service.inference.dates import iso_text
from training.inputs import Column
from training.preprocess import Summary

_COLUMNS_SHOWN = 40


def show_table(columns: Sequence[Column], summaries: Sequence[Summary]) -> None:
    """What was taken for what, on standard error; of a wide table the first columns."""
    width = min(32, max(len(column.name) for column in columns[:_COLUMNS_SHOWN]))
    pairs = list(zip(columns, summaries, strict=True))
    for column, summary in pairs[:_COLUMNS_SHOWN]:
        print(f"{column.name:{width}.{width}}  {_described(column, summary)}", file=sys.stderr)
    if len(pairs) > _COLUMNS_SHOWN:
        counts = Counter(column.kind for column in columns)
        dates = f", {counts['date']} of dates" if counts["date"] else ""
        print(
            f"... {len(columns)} columns in all: {counts['number']} of numbers, "
            f"{counts['category']} of categories{dates}",
            file=sys.stderr,
        )


def show_notes(notes: Sequence[str]) -> None:
    """What the user should know, on standard error."""
    for note in notes:
        print(f"note: {note}", file=sys.stderr)


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
    shown = ", ".join(categories[:4]) + (", ..." if len(categories) > 4 else "")
    return f"category  {len(categories)}: {shown}{missing}{unused}"
