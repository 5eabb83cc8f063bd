"""A card as Markdown."""

import html
import re
from collections.abc import Iterable

from training.report.parts import Code, Grid, Heading, Listing, Paragraph, Part, Plot
from training.report.wording import visible

_MARKS = re.compile(r"([\\`*_\[\]|$~#])")


def markdown(parts: Iterable[Part]) -> str:
    """The parts one after the other; whatever a name holds, it stays text."""
    return "\n\n".join(map(_part, parts)) + "\n"


def _part(part: Part) -> str:
    match part:
        case Heading(text, is_title):
            return f"{'#' if is_title else '##'} {_text(text)}"
        case Paragraph(text):
            return _text(text)
        case Listing(lines):
            return "\n".join(f"- {_text(line)}" for line in lines)
        case Grid(head, rows):
            return "\n".join([_row(head), _row(["---"] * len(head), raw=True), *map(_row, rows)])
        case Code(text):
            fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
            return f"{fence}sh\n{text}\n{fence}"
        case Plot(name, caption):
            return f"![{_text(caption.shows)}](plots/{name}.svg)\n\n*{_text(caption.look)}*"


def _row(cells: Iterable[str], *, raw: bool = False) -> str:
    return "| " + " | ".join(cell if raw else _text(cell) for cell in cells) + " |"


def _text(text: str) -> str:
    return _MARKS.sub(r"\\\1", html.escape(visible(text), quote=False))
