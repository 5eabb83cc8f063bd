"""The settings that a search tries."""

from dataclasses import dataclass

from training.config import RunConfig
from training.plan import settled
from training.search_space import Values, default_space, grid, sample
from training.select_config import SelectConfig

_SETTINGS = 24


@dataclass(frozen=True)
class Candidate:
    """The varied values, and the whole fit that they make."""

    values: Values
    config: RunConfig


def candidates(config: SelectConfig, rows: int, fold_rows: int) -> list[Candidate]:
    """A grid, or settings at random; each for a fit on `fold_rows` of `rows` rows.

    Raises ConfigInvalid for values that fit no setting.
    """
    space = config.vary or default_space(rows)
    if config.searched_by == "grid":
        found = grid(space)
    else:
        found = sample(space, config.settings or _SETTINGS, config.seed)
    return [candidate(config, values, fold_rows) for values in found]


def candidate(config: SelectConfig, values: Values, fold_rows: int) -> Candidate:
    """One setting, for a fit on `fold_rows` rows."""
    return Candidate(values, settled(config.setting(values), fold_rows))
