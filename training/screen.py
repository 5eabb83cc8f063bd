"""Lines for people: on a terminal as wide as it is, and never wider than a page."""

import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator
from typing import TextIO

WIDTH = 100
# The words before this column may be a head, which lines below stand clear of.
_HEAD = 60


def columns() -> int:
    """The columns of the terminal, as far as they are used."""
    return min(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns)


def show(lines: Iterable[str], stream: TextIO | None = None) -> None:
    """Print lines on standard output, or another stream; on a terminal, long ones are wrapped."""
    out = sys.stdout if stream is None else stream
    for line in lines:
        for part in wrapped(line, columns()) if out.isatty() else (line,):
            print(part, file=out)


def wrapped(line: str, width: int) -> Iterator[str]:
    """A line in parts of at most `width` columns, unless a word is longer; below its head."""
    if len(line) <= width:
        yield line
        return
    head = line.rfind("  ", 0, min(_HEAD, width // 2))
    yield from textwrap.wrap(
        line,
        width,
        subsequent_indent=" " * (head + 2 if head >= 0 else 2),
        break_long_words=False,
        break_on_hyphens=False,
        expand_tabs=False,
        replace_whitespace=False,
    )
