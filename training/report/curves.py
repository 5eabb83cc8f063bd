"""Pictures of how a fit went: losses, gradients, the search, the number of rows."""

from collections.abc import Sequence

import numpy as np

from service.model_repository.provenance import SettingScore
from training.report.drawing import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    RED,
    picture,
    plain_numbers,
    shortened,
)
from training.report.evidence import Evidence
from training.summary import values_text

_SETTINGS = 25


def losses(evidence: Evidence) -> bytes:
    """Training and validation loss over epochs, with the best epoch."""
    history = evidence.manifest.history
    epochs = range(1, len(history.epochs) + 1)
    with picture() as made:
        axes = made.axes
        axes.plot(epochs, [e.training_loss for e in history.epochs], color=BLUE, label="training")
        validation = [e.validation_loss for e in history.epochs]
        axes.plot(epochs, validation, color=ORANGE, label="validation")
        best = history.best_epoch
        axes.axvline(best, color=GREY, linestyle=":", linewidth=1)
        axes.plot(
            [best],
            [validation[best - 1]],
            "o",
            color=RED,
            label=f"best epoch: {best}",
            gid="best-epoch",
        )
        axes.set(xlabel="epoch", ylabel="loss (nats)", title="Loss after each epoch, dropout off")
        axes.set_ylim(bottom=0)
        axes.legend()
    return made.svg


def gradients(evidence: Evidence) -> bytes | None:
    """The gradient norm of every layer over epochs."""
    norms = [e.gradient_norms for e in evidence.manifest.history.epochs]
    if not norms or not all(norms):
        return None
    found = np.maximum(np.array(norms), 1e-12)
    with picture() as made:
        axes = made.axes
        for layer, color in zip(range(found.shape[1]), _cycle(found.shape[1]), strict=True):
            axes.semilogy(
                range(1, len(found) + 1), found[:, layer], color=color, label=f"layer {layer + 1}"
            )
        axes.set(xlabel="epoch", ylabel="norm", title="Gradient of each layer's weights, mid-epoch")
        plain_numbers(axes.yaxis)
        axes.legend(ncols=2)
    return made.svg


def selection(evidence: Evidence) -> bytes | None:
    """Every setting's mean validation log-loss with its standard error, the best first."""
    found = evidence.manifest.selection
    if found is None:
        return None
    whole = [
        (place, setting, setting.mean_log_loss, setting.standard_error or 0.0)
        for place, setting in enumerate(found.settings)
        if setting.mean_log_loss is not None
    ]
    shown = sorted(whole, key=lambda row: row[2])[:_SETTINGS]
    with picture(9.5, 1.2 + 0.24 * len(shown)) as made:
        axes = made.axes
        for height, (place, setting, mean, error) in enumerate(reversed(shown)):
            color = GREEN if place == found.chosen else ORANGE if place == found.best else BLUE
            axes.errorbar(
                mean, height, xerr=error, fmt="o", color=GREY if setting.ended else color, capsize=2
            )
        varying = _varying([row[1] for row in shown])
        labels = [_label(row[1], varying) for row in reversed(shown)]
        axes.set_yticks(range(len(shown)), labels, fontsize=6)
        axes.set(
            xlabel="mean validation log-loss (nats), with standard error",
            title=f"{len(found.settings)} settings over {found.folds} folds; green: chosen, "
            "grey: given up",
        )
        axes.grid(axis="x", alpha=0.3)
    return made.svg


def rows_curve(evidence: Evidence) -> bytes | None:
    """Validation log-loss against the number of training rows."""
    points = evidence.manifest.learning_curve
    if not points:
        return None
    rows = [point.rows for point in points]
    means = [float(np.mean(point.log_losses)) for point in points]
    errors = [float(np.std(point.log_losses)) for point in points]
    with picture() as made:
        axes = made.axes
        axes.errorbar(rows, means, yerr=errors, fmt="o-", color=BLUE, capsize=3)
        axes.set_xscale("log")
        axes.set_xticks(rows, [f"{count:,}" for count in rows])
        axes.minorticks_off()
        axes.set(
            xlabel="training rows",
            ylabel="validation log-loss (nats)",
            title="What more rows bring: mean and standard deviation over folds",
        )
        axes.set_ylim(bottom=0)
    return made.svg


def _varying(settings: Sequence[SettingScore]) -> list[str]:
    """What is not the same in all of them."""
    first = settings[0].values
    return [n for n in first if any(s.values.get(n) != first[n] for s in settings)]


def _label(setting: SettingScore, varying: Sequence[str]) -> str:
    values = {name: setting.values[name] for name in varying}
    return shortened(values_text(values), 90) or "as given"


def _cycle(count: int) -> list[str]:
    colors = [BLUE, ORANGE, GREEN, RED, GREY]
    return [colors[i % len(colors)] for i in range(count)]
