"""What to try next, as flags; nothing that is set, or that a search has just tried and dropped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from training.config import RunConfig

Tried = Sequence[Mapping[str, JsonValue]]
# The most that --hidden takes.
_WIDEST = 65536


@dataclass(frozen=True)
class Change:
    """Another value of one setting."""

    setting: str
    value: JsonValue

    @property
    def flag(self) -> str:
        """As the command line takes it."""
        name = self.setting.replace("_", "-")
        if isinstance(self.value, bool):
            return f"--{name}" if self.value else f"--no-{name}"
        if isinstance(self.value, list):
            return f"--{name} {' '.join(map(str, self.value))}"
        return (
            f"--{name} {self.value:g}"
            if isinstance(self.value, float)
            else (f"--{name} {self.value}")
        )


Suggestion = Change | str


def offered(
    suggestions: Sequence[Suggestion], config: RunConfig, tried: Tried = ()
) -> tuple[str, ...]:
    """The suggestions as texts, without changes to what is set or what a search's settings cover.

    The config is resolved.
    """
    kept = [
        suggestion.flag if isinstance(suggestion, Change) else suggestion
        for suggestion in suggestions
        if isinstance(suggestion, str) or not _is_covered(suggestion, config, tried)
    ]
    if not kept and suggestions:
        kept = [
            "a wider --vary: what would be tried next was among what the search tried"
            if tried
            else "more rows, or other features: what would be tried next is set already"
        ]
    return tuple(dict.fromkeys(kept))


def _is_covered(change: Change, config: RunConfig, tried: Tried) -> bool:
    """Whether the value is set, was tried, or lies between values that are or were."""
    values = [_in_force(config, change.setting)]
    values += [setting[change.setting] for setting in tried if change.setting in setting]
    if change.value in values:
        return True
    sizes, size = [_size(value) for value in values], _size(change.value)
    known = [one for one in sizes if one is not None]
    return size is not None and bool(known) and min(known) <= size <= max(known)


def _in_force(config: RunConfig, setting: str) -> JsonValue:
    value = getattr(config, setting)
    if setting == "dropout" and len(set(value)) == 1:
        return float(value[0])
    return list(value) if isinstance(value, tuple) else value


def _size(value: JsonValue) -> float | None:
    """A number as it is, of a list the sum: units of all layers, or rates of all layers."""
    if isinstance(value, list):
        numbers = [one for one in value if isinstance(one, int | float)]
        # Rates of equally many layers compare by their mean; widths by their sum.
        return sum(numbers) / len(numbers) if max(numbers, default=0) < 1 else float(sum(numbers))
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def larger(config: RunConfig) -> list[Suggestion]:
    """More room to learn, and less that restrains it."""
    found: list[Suggestion] = [
        Change("hidden", [min(_WIDEST, 2 * width) for width in config.hidden])
    ]
    if max(config.dropout) > 0:
        found.append(Change("dropout", max(config.dropout) / 2))
    return [*found, faster(config, 3)]


def faster(config: RunConfig, times: float) -> Change:
    """A larger learning rate."""
    return Change("learning_rate", float(f"{times * (config.learning_rate or 0.01):.3g}"))


def slower(config: RunConfig) -> Change:
    """A third of the learning rate."""
    return Change("learning_rate", float(f"{(config.learning_rate or 0.01) / 3:.3g}"))


def restrained(config: RunConfig) -> list[Suggestion]:
    """Less that a network could learn by heart."""
    rate = max(config.dropout)
    return [
        Change("dropout", max(rate, min(0.8, round(rate + 0.2, 3)))),
        decayed(config),
        Change("hidden", [min(width, max(8, width // 2)) for width in config.hidden]),
    ]


def decayed(config: RunConfig) -> Change:
    """Ten times the weight decay."""
    return Change("weight_decay", float(f"{10 * (config.weight_decay or 0.0003):.3g}"))


def bounded(config: RunConfig) -> Change:
    """A bound on the weights into each unit, or half of the one that is set."""
    return Change("max_norm", 2.0 if config.max_norm is None else min(2.0, config.max_norm / 2))


def unvanished(config: RunConfig) -> list[Suggestion]:
    """What lets a gradient through many layers."""
    found: list[Suggestion] = [
        Change("activation", "relu"),
        Change("batch_normalisation", value=True),
    ]
    return [*found, "fewer --hidden layers"] if len(config.hidden) > 1 else found
