"""The settings of a search in the order in which a report shows them."""

from dataclasses import dataclass

from service.model_repository.provenance import Selection, SettingScore
from training.report.wording import shortened
from training.summary import values_text

_REASON = 60


@dataclass(frozen=True)
class Ranked:
    """One setting, and its mark: chosen, best, or why it was not trained to its end."""

    setting: SettingScore
    is_best: bool
    is_chosen: bool

    @property
    def mark(self) -> str:
        """What there is to say of it beside its numbers."""
        names = ("chosen" * self.is_chosen, "best" * self.is_best, self.ended)
        return ", ".join(name for name in names if name)

    @property
    def ended(self) -> str:
        """Why it was not trained to its end; nothing if it was."""
        return shortened(self.setting.ended or "", _REASON)


def ranked(selection: Selection, most: int) -> list[Ranked]:
    """The first `most` by mean log-loss, those that ended early last.

    The best and the chosen one are among them wherever they stand.
    """
    places = sorted(range(len(selection.settings)), key=lambda i: _rank(selection.settings[i]))
    always = {selection.best, selection.chosen}
    others = most - sum(place in always for place in places)
    first = {place for place in places if place not in always}
    kept = [place for place in places if place in first][: max(others, 0)]
    return [
        Ranked(
            selection.settings[place],
            is_best=place == selection.best,
            is_chosen=place == selection.chosen,
        )
        for place in places
        if place in always or place in kept
    ]


def varied_label(setting: SettingScore, among: Selection, most: int) -> str:
    """The values that are not the same in all settings."""
    names = dict.fromkeys(name for other in among.settings for name in other.values)
    varying = [
        name
        for name in names
        if any(other.values.get(name) != setting.values.get(name) for other in among.settings)
    ]
    values = {name: setting.values[name] for name in varying if name in setting.values}
    return shortened(values_text(values), most) or "as given"


def _rank(setting: SettingScore) -> tuple[bool, float]:
    mean = setting.mean_log_loss
    return (setting.ended is not None, float("inf") if mean is None else mean)
