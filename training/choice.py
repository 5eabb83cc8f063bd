"""Which setting of a search is the one to take."""

import math
import statistics
from collections.abc import Sequence

from service.model_repository.provenance import SettingScore


def mean_and_error(losses: Sequence[float]) -> tuple[float, float]:
    """The mean over folds, and its standard error."""
    return statistics.fmean(losses), statistics.stdev(losses) / math.sqrt(len(losses))


def choose(settings: Sequence[SettingScore]) -> tuple[int, int] | None:
    """Places of the best setting and of the chosen one; None when every setting failed.

    The best has the lowest mean validation log-loss. The chosen one has the fewest parameters of
    those that are within one standard error of it (Breiman et al. 1984, section 3.4.3), and of
    these the lowest mean. The error is that of the differences fold by fold: all settings saw the
    same folds, and how hard a fold is says nothing of a setting.
    """
    whole = [
        place
        for place, setting in enumerate(settings)
        if setting.mean_log_loss is not None and setting.ended is None
    ]
    if not whole:
        return None

    def mean(place: int) -> float:
        found = settings[place].mean_log_loss
        assert found is not None
        return found

    best = min(whole, key=mean)
    near = [place for place in whole if _is_near(settings[place], settings[best])]
    return best, min(near, key=lambda place: (settings[place].parameter_count, mean(place)))


def _is_near(setting: SettingScore, best: SettingScore) -> bool:
    if setting is best:
        return True
    apart = [a - b for a, b in zip(setting.log_losses, best.log_losses, strict=True)]
    mean, error = mean_and_error(apart)
    return mean <= error
