"""Which settings a search tries: lists and ranges, and settings out of them."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import JsonValue

from service.nearest import did_you_mean
from training.seeds import stream_seed
from training.setting_names import known_name

Values = dict[str, JsonValue]

# What one table of encoded rows serves: all but the settings of preprocessing and of the run.
VARIED = (
    "hidden",
    "activation",
    "dropout",
    "input_dropout",
    "optimiser",
    "schedule",
    "learning_rate",
    "momentum",
    "weight_decay",
    "max_norm",
    "label_smoothing",
    "batch_normalisation",
)
# Drawn by orders of magnitude.
# Training rows below and above which the default space is another.
_FEW_ROWS, MANY_ROWS = 1000, 20_000
_LOGARITHMIC = {"learning_rate", "weight_decay", "max_norm"}


@dataclass(frozen=True)
class Choices:
    """A list of values of one setting."""

    values: tuple[JsonValue, ...]


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`; `is_log`: every order of magnitude is as likely."""

    low: float
    high: float
    is_log: bool

    def at(self, share: float) -> float:
        """The number at a share in [0, 1) of the range, to three digits where they are in it."""
        if self.is_log:
            low, high = math.log(self.low), math.log(self.high)
            return self.rounded(math.exp(low + share * (high - low)))
        return self.rounded(self.low + share * (self.high - self.low))

    def rounded(self, value: float) -> float:
        """A number of the range to three digits, or exactly where these would leave the range."""
        short = float(f"{value:.3g}")
        if self.low <= short <= self.high:
            return short
        return min(max(value, self.low), self.high)


Space = Mapping[str, Choices | Range]


def parse_space(given: Mapping[str, object]) -> dict[str, Choices | Range]:
    """A space from texts such as `0,0.25,0.5`, `0.001:0.1` and `64,128x64`, or from lists.

    Raises ValueError, naming the setting.
    """
    space = {}
    for said, value in given.items():
        name = known_name(said)
        if name not in VARIED:
            raise ValueError(
                f"expected one of {', '.join(VARIED)}, got '{said}'{did_you_mean(name, VARIED)}"
            )
        space[name] = value if isinstance(value, Choices | Range) else _parsed(name, value)
    return space


def default_space(rows: int) -> dict[str, Choices | Range]:
    """What `select` tries when nothing is said, for so many training rows."""
    if rows < _FEW_ROWS:
        # Steps of SGD are small where the loss is: on few rows it ends less sure of itself.
        return {
            "hidden": Choices(([32], [128], [64, 64])),
            "activation": Choices(("relu", "silu")),
            "dropout": Choices((0.1, 0.25, 0.4, 0.5)),
            "input_dropout": Choices((0.0, 0.1)),
            "learning_rate": Range(0.005, 0.05, is_log=True),
            "weight_decay": Range(0.0003, 0.01, is_log=True),
        }
    is_large = rows >= MANY_ROWS
    return {
        "hidden": Choices(([256, 256], [512])) if is_large else Choices(([128], [128, 128])),
        "activation": Choices(("relu", "silu")),
        "dropout": Choices((0.0, 0.1, 0.25, 0.4, 0.5)),
        "input_dropout": Choices((0.0, 0.1)),
        "optimiser": Choices(("adamw",)),
        "schedule": Choices(("cosine",)) if is_large else Choices(("constant", "cosine")),
        "learning_rate": Range(0.0005, 0.005 if is_large else 0.02, is_log=True),
        "weight_decay": Range(0.001, 1.0, is_log=True),
    }


def grid(space: Space) -> list[Values]:
    """Every combination, the last name varying fastest."""
    axes = [axis.values for axis in space.values() if isinstance(axis, Choices)]
    return [dict(zip(space, values, strict=True)) for values in itertools.product(*axes)]


def sample(space: Space, count: int, seed: int) -> list[Values]:
    """At most `count` different combinations at random."""
    generator = np.random.default_rng(stream_seed(seed, "settings"))
    found: list[Values] = []
    # A small space runs out of combinations that are new.
    for _ in range(20 * count):
        values = {name: _draw(axis, generator) for name, axis in space.items()}
        if values not in found:
            found.append(values)
        if len(found) == count:
            break
    return found


def _draw(axis: Choices | Range, generator: np.random.Generator) -> JsonValue:
    share = float(generator.random())
    if isinstance(axis, Range):
        return axis.at(share)
    return axis.values[int(share * len(axis.values))]


def _parsed(name: str, value: object) -> Choices | Range:
    if isinstance(value, str) and ":" in value:
        return _range(name, value)
    texts: Sequence[object] = value.split(",") if isinstance(value, str) else _as_list(value)
    if not texts:
        raise ValueError(f"{name}: expected at least one value")
    return Choices(tuple(_value(name, text) for text in texts))


def _as_list(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else [value]


def _range(name: str, text: str) -> Range:
    try:
        low, high = map(float, text.split(":"))
    except ValueError:
        raise ValueError(f"{name}: expected a range such as 0.001:0.1, got '{text}'") from None
    is_log = name in _LOGARITHMIC
    if not (math.isfinite(low) and math.isfinite(high) and low < high) or (is_log and low <= 0):
        positive = " above 0" if is_log else ""
        raise ValueError(f"{name}: expected a rising range{positive}, got '{text}'")
    return Range(low, high, is_log)


def _value(name: str, value: object) -> JsonValue:
    if not isinstance(value, str):
        if isinstance(value, list | tuple):
            return list(value)
        return value  # type: ignore[return-value]
    text = value.strip()
    if name == "hidden":
        return [int(width) if width.isdigit() else width for width in text.split("x")]
    if text.lower() in ("none", "true", "false"):
        return {"none": None, "true": True, "false": False}[text.lower()]
    try:
        return float(text)
    except ValueError:
        return text
