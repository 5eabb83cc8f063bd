"""The settings that a search tries."""

from collections.abc import Sequence
from dataclasses import dataclass

from training.config import RunConfig
from training.errors import ConfigInvalid
from training.plan import settled
from training.search_space import MANY_ROWS, Choices, Range, Space, Values, grid, sample
from training.select_config import SelectConfig

# Settings that are tried, and of large tables also epochs, when nothing is said.
# Settings that could not be published are drawn again, from so many times as many.
_DRAWN_TIMES = (1, 4, 64)
_SETTINGS, _SETTINGS_IF_MANY, _EPOCHS_IF_MANY = 24, 8, 30


@dataclass(frozen=True)
class Candidate:
    """The varied values, and the whole fit that they make."""

    values: Values
    config: RunConfig


def sized(config: SelectConfig, rows: int) -> SelectConfig:
    """The same search with the defaults that depend on the number of training rows filled in."""
    is_large = rows >= MANY_ROWS
    found: dict[str, int] = {}
    if config.settings is None and config.searched_by != "grid":
        found["settings"] = _SETTINGS_IF_MANY if is_large else _SETTINGS
    if is_large and "epochs" not in config.model_fields_set:
        found["epochs"] = _EPOCHS_IF_MANY
    return config.model_copy(update=found)


def candidates(config: SelectConfig, space: Space, fold_rows: int) -> list[Candidate]:
    """A grid, or settings at random; each for a fit on `fold_rows` rows.

    Raises ConfigInvalid for values that fit no setting.
    """
    if config.searched_by == "grid":
        return _fitting(config, grid(space), fold_rows)
    count = config.settings or 1
    tried: list[Candidate] = []
    for times in _DRAWN_TIMES:
        tried = _fitting(config, sample(space, times * count, config.seed), fold_rows)[:count]
        if len(tried) == count:
            break
    if not tried:
        raise ConfigInvalid(
            f"--uncertainty {config.uncertainty} comes from dropout: none of the settings that "
            "were drawn has any; expected more rates above 0 in --vary"
        )
    return tried


def _fitting(config: SelectConfig, found: Sequence[Values], fold_rows: int) -> list[Candidate]:
    tried = [candidate(config, values, fold_rows) for values in found]
    return [one for one in tried if fits(config, one.config)]


def fits(config: SelectConfig, tried: RunConfig) -> bool:
    """Whether a setting could be published: uncertainty comes from dropout."""
    return not config.uncertainty or any(tried.dropout) or tried.input_dropout > 0


def require_dropout_in(config: SelectConfig, space: Space) -> None:
    """Raise ConfigInvalid if uncertainty is asked for and no setting of the space has dropout."""
    if not config.uncertainty:
        return
    axes = [
        space.get(name, Choices((getattr(config, name),))) for name in ("dropout", "input_dropout")
    ]
    drops = [isinstance(axis, Range) or any(map(_drops, axis.values)) for axis in axes]
    if not any(drops):
        raise ConfigInvalid(
            f"--uncertainty {config.uncertainty} comes from dropout: expected a rate above 0 in "
            "--vary or in --dropout, such as --vary dropout=0.1,0.5"
        )


def _drops(rate: object) -> bool:
    return any(rate) if isinstance(rate, list | tuple) else bool(rate)


def candidate(config: SelectConfig, values: Values, fold_rows: int) -> Candidate:
    """One setting, for a fit on `fold_rows` rows."""
    return Candidate(values, settled(config.setting(values), fold_rows))
