"""What a card is made of, whatever it is written in."""

from collections.abc import Sequence
from dataclasses import dataclass

from training.report.captions import CAPTIONS, Caption


@dataclass(frozen=True)
class Heading:
    """The title of the card, or of a part of it."""

    text: str
    is_title: bool = False


@dataclass(frozen=True)
class Paragraph:
    """Running text."""

    text: str


@dataclass(frozen=True)
class Listing:
    """Points, each a line."""

    lines: tuple[str, ...]


@dataclass(frozen=True)
class Grid:
    """A table with a head."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Code:
    """A command."""

    text: str


@dataclass(frozen=True)
class Plot:
    """A picture by its name, with its caption."""

    name: str
    caption: Caption


Part = Heading | Paragraph | Listing | Grid | Code | Plot


def shown(plots: Sequence[str], *names: str) -> tuple[Plot, ...]:
    """Of these pictures the ones that there are."""
    return tuple(Plot(name, CAPTIONS[name]) for name in names if name in plots)


def rest(count: int, most: int, of: str) -> tuple[Paragraph, ...]:
    """How many of `count` are left out where only `most` are shown."""
    return (Paragraph(f"and {count - most:,} more {of}."),) if count > most else ()
