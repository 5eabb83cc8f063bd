"""The picture of a search over settings."""

from matplotlib.axes import Axes

from training.report.drawing import BLUE, GREEN, GREY, MUTED, ORANGE, picture
from training.report.evidence import Evidence
from training.report.ranking import Ranked, ranked, varied_label

_SETTINGS = 25


def selection(evidence: Evidence) -> bytes | None:
    """Every setting's mean validation log-loss with its standard error, the best first."""
    found = evidence.manifest.selection
    if found is None:
        return None
    shown = ranked(found, _SETTINGS)
    # Each kind is in the legend once, although every setting is drawn by itself.
    told: set[str] = set()
    with picture(9.5, 1.6 + 0.24 * len(shown)) as made:
        axes = made.axes
        for height, one in enumerate(shown):
            _draw(axes, one, height, told)
        labels = [varied_label(one.setting, found, 90) for one in shown]
        axes.set_yticks(range(len(shown)), labels, fontsize=7)
        axes.set_ylim(len(shown) - 0.5, -0.5)
        of = f"{len(shown)} of {len(found.settings)}" if len(shown) < len(found.settings) else ""
        axes.set(
            xlabel="mean validation log-loss (nats), with standard error",
            title=f"{of or len(found.settings)} settings over {found.folds} folds",
        )
        axes.grid(axis="x", alpha=0.3)
        if told:
            made.figure.legend(loc="outside lower center", ncols=len(told))
        else:
            axes.set_xticks([])
    return made.svg


def _draw(axes: Axes, one: Ranked, height: int, told: set[str]) -> None:
    mean = one.setting.mean_log_loss
    kind, color, marker = _kind(one)
    if mean is None:
        place = axes.get_yaxis_transform()
        text = one.mark or "no result"
        axes.text(0.01, height, text, color=MUTED, fontsize=7, va="center", transform=place)
        return
    label = None if kind in told else kind
    told.add(kind)
    error = one.setting.standard_error or 0.0
    axes.errorbar(mean, height, xerr=error, fmt=marker, color=color, capsize=2, label=label)


def _kind(one: Ranked) -> tuple[str, str, str]:
    """What it is, its colour and its marker: a shape too, for prints without colour."""
    if one.is_chosen:
        return "chosen, and best" if one.is_best else "chosen", GREEN, "D"
    if one.is_best:
        return "best", ORANGE, "s"
    return ("ended early", GREY, "x") if one.setting.ended else ("other settings", BLUE, "o")
