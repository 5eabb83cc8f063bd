"""Settings that suit a table, where nobody says anything (docs/decisions/0033)."""

from dataclasses import dataclass
from typing import Any

from training.config import RunConfig

# Training rows from which on the next recipe is better, on the development sets.
_ENOUGH_ROWS, _MANY_ROWS = 500, 10_000
# Bins show where a number's effect bends; with more rows they may be finer. Of a wide table they
# would be most of the network's weights.
_FEW_BINS, _MANY_BINS, _ROWS_FOR_MANY_BINS, _MOST_BINNED = 8, 16, 2000, 100


@dataclass(frozen=True)
class Size:
    """Training rows, classes and numbers of a table, which may be streamed."""

    rows: int
    classes: int
    numbers: int
    is_streamed: bool = False


@dataclass(frozen=True)
class Suited:
    """A run with settings that suit its table, and a sentence on them if there are any."""

    config: RunConfig
    note: str | None


def suited(config: RunConfig, size: Size) -> Suited:
    """The same run with a network and a training for a table of this size; what was said stays.

    Of few rows the textbook's small network with SGD makes the surest probabilities. From 500
    training rows on a wider one, AdamW with a cosine to 0, and bins make better ones, and from
    10,000 on two wide layers with less dropout.
    """
    recipe = _recipe(size)
    said = config.model_fields_set
    if "optimiser" in said and config.optimiser != recipe.get("optimiser"):
        # What goes with one optimiser says nothing of the other.
        recipe = {k: v for k, v in recipe.items() if k not in ("schedule", "epochs")}
    chosen = {name: value for name, value in recipe.items() if name not in said}
    if not chosen:
        return Suited(config, None)
    return Suited(config.model_copy(update=chosen), _note(chosen, size))


def _recipe(size: Size) -> dict[str, Any]:
    if size.rows < _ENOUGH_ROWS:
        return {}
    recipe: dict[str, Any] = {
        "hidden": (128,),
        "optimiser": "adamw",
        "schedule": "cosine",
        "epochs": 100,
    }
    if size.rows >= _MANY_ROWS:
        recipe |= {"hidden": (256, 256), "dropout": (0.25,)}
    # Of a streamed table they would be most of the memory, too.
    if 0 < size.numbers <= _MOST_BINNED and not size.is_streamed:
        recipe["numeric_bins"] = _MANY_BINS if size.rows >= _ROWS_FOR_MANY_BINS else _FEW_BINS
    return recipe


# What follows from the table where it is not said.
FOLLOWS_TABLE = frozenset(_recipe(Size(rows=_MANY_ROWS, classes=2, numbers=1)))


def _note(chosen: dict[str, Any], size: Size) -> str:
    flags = (f"--{name.replace('_', '-')} {_plain(value)}" for name, value in chosen.items())
    return (
        f"chosen for {size.rows:,} training rows, {size.numbers} numbers and {size.classes} "
        f"classes: {' '.join(flags)}"
    )


def _plain(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
