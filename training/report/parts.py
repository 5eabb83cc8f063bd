"""What a card is made of, whatever it is written in."""

from collections.abc import Sequence
from dataclasses import dataclass


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
    """A picture by its name, and what it shows."""

    name: str
    shows: str


Part = Heading | Paragraph | Listing | Grid | Code | Plot


_SHOWS = {
    "losses": "Training and validation loss over epochs",
    "gradients": "Gradient norms of each layer over epochs",
    "selection": "Every setting's mean validation log-loss with its standard error",
    "confusion": "Test rows by true and predicted class",
    "classes": "F1 of each class on test rows",
    "reliability": "Accuracy against confidence on test rows",
    "uncertainty": "Error against uncertainty, and rows of another kind",
    "learning-curve": "Validation log-loss against training rows",
    "weights": "Weights of each layer",
    "hidden": "Hidden values of each layer",
}


def shown(plots: Sequence[str], *names: str) -> tuple[Plot, ...]:
    """Of these pictures the ones that there are."""
    return tuple(Plot(name, _SHOWS[name]) for name in names if name in plots)


def rest(count: int, most: int, of: str) -> tuple[Paragraph, ...]:
    """How many of `count` are left out where only `most` are shown."""
    return (Paragraph(f"and {count - most:,} more {of}."),) if count > most else ()
