"""What the numbers of a fit say of it, and what to try next."""

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from service.activations.table import TABLE
from service.model_repository.provenance import Diagnosis, Finding, Verdict
from training.config import RunConfig
from training.fitting.early_stopping import EpochRecord
from training.inputs import Inputs
from training.network import Perceptron, hidden_values

# All in shares of the loss of guessing, which is the entropy of the classes' shares.
_LARGE_GAP = 0.15
_LARGE_RISE = 0.1
_HIGH_LOSS = 0.5
_FEW_ROWS_A_CLASS = 50
# Gradients per weight in the first layer over those in the last.
_VANISHING, _EXPLODING = 1e-2, 1e3
_MANY_DEAD, _MANY_SATURATED, _SATURATED_SHARE = 0.3, 0.5, 0.01
# Units that dropout leaves of a layer: fewer than these can hardly stand in for each other.
_FEWEST_KEPT = 8


@dataclass(frozen=True)
class LayerState:
    """Of one hidden layer over validation rows.

    Shares of units that are 0 on every row, and of values within 1 % of a bound of the activation
    function.
    """

    dead: float
    saturated: float


@dataclass(frozen=True)
class Observed:
    """One fit, or the mean over folds of several.

    `best_epoch` is the one whose weights were kept; `class_counts` are of the training rows;
    `weights` are the sizes of the linear layers' weights.
    """

    config: RunConfig
    records: Sequence[EpochRecord]
    best_epoch: int
    class_counts: Sequence[int]
    layers: Sequence[LayerState]
    weights: Sequence[int]


def diagnose(observed: Observed) -> Diagnosis:
    """A verdict from the losses, and findings, the verdict's first."""
    verdict, finding = _verdict(observed)
    others = [
        *_gradients(observed),
        *_units(observed),
        *doubtful_settings(observed.config),
        *_length(observed),
    ]
    return Diagnosis(verdict=verdict, findings=(finding, *others))


def doubtful_settings(config: RunConfig) -> Iterator[Finding]:
    """What is known of the settings before the first epoch."""
    pairs = zip(config.hidden, config.dropout, strict=True)
    small = [
        (width, rate) for width, rate in pairs if rate > 0 and width * (1 - rate) < _FEWEST_KEPT
    ]
    for width, rate in small[:1]:
        yield Finding(
            name="too small for dropout",
            sentence=f"dropout of {rate:g} leaves {width * (1 - rate):g} of {width} hidden units a "
            "step: too few to stand in for each other, so it costs accuracy and prevents nothing",
            numbers={"units": width, "rate": rate, "units_kept": width * (1 - rate)},
            advice=("--dropout 0", f"--hidden {max(32, 4 * width)}"),
        )
    if config.batch_normalisation and max(config.dropout) > 0:
        yield Finding(
            name="dropout with batch normalisation",
            sentence="dropout changes the variance of what follows it in training but not "
            "afterwards, and batch normalisation keeps the variance of training: the two disagree "
            "(Li et al. 2019)",
            numbers={"rate": max(config.dropout)},
            advice=("--dropout 0", "--no-batch-normalisation"),
        )


def layer_states(network: Perceptron, inputs: Inputs, activation: str) -> list[LayerState]:
    """The hidden layers of a network in evaluation mode over some rows."""
    return [_state(values, activation) for values in hidden_values(network, inputs)]


def _state(values: np.ndarray, activation: str) -> LayerState:
    dead = float((values == 0).all(axis=0).mean())
    bounds = TABLE[activation].bounds
    if bounds is None:
        return LayerState(dead, 0.0)
    margin = _SATURATED_SHARE * (bounds[1] - bounds[0])
    at_bound = (values <= bounds[0] + margin) | (values >= bounds[1] - margin)
    return LayerState(dead, float(at_bound.mean()))


def _verdict(observed: Observed) -> tuple[Verdict, Finding]:
    counts = np.asarray(observed.class_counts, dtype=np.float64)
    shares = counts / counts.sum()
    guessing = float(-(shares * np.log(np.maximum(shares, 1e-300))).sum())
    best, last = observed.records[observed.best_epoch - 1], observed.records[-1]
    gap = (best.validation_loss - best.training_loss) / guessing
    rise = (last.validation_loss - best.validation_loss) / guessing
    fall = (best.training_loss - last.training_loss) / guessing
    numbers = {
        "training_loss": round(best.training_loss, 4),
        "validation_loss": round(best.validation_loss, 4),
        "loss_of_guessing": round(guessing, 4),
        "last_training_loss": round(last.training_loss, 4),
        "last_validation_loss": round(last.validation_loss, 4),
        "fewest_rows_of_a_class": float(counts.min()),
    }
    losses = (
        f"training loss {best.training_loss:.3g}, validation loss {best.validation_loss:.3g} "
        f"(guessing: {guessing:.3g})"
    )
    if gap >= _LARGE_GAP or (rise >= _LARGE_RISE and fall > 0):
        if counts.min() < _FEW_ROWS_A_CLASS:
            return "too little data", _too_little(losses, numbers, observed.config)
        return "overfitting", _overfitting(losses, numbers, observed)
    if best.training_loss / guessing > _HIGH_LOSS and rise < _LARGE_RISE / 5:
        return "underfitting", _underfitting(losses, numbers, observed.config)
    return "well fitted", Finding(
        name="well fitted",
        sentence=f"{losses}: what was learned holds on rows that were not trained on",
        numbers=numbers,
    )


def _too_little(losses: str, numbers: dict[str, float], config: RunConfig) -> Finding:
    return Finding(
        name="too little data",
        sentence=f"{losses}: what was learned does not hold on other rows, and the smallest class "
        f"has {numbers['fewest_rows_of_a_class']:g} rows to learn from",
        numbers=numbers,
        advice=("more rows", "select --learning-curve", *_regularised(config)),
    )


def _overfitting(losses: str, numbers: dict[str, float], observed: Observed) -> Finding:
    best, last = observed.best_epoch, len(observed.records)
    after = (
        f"; from epoch {best} to {last} the training loss fell to "
        f"{numbers['last_training_loss']:.3g} while the validation loss rose to "
        f"{numbers['last_validation_loss']:.3g}"
        if last > best
        else ""
    )
    return Finding(
        name="overfitting",
        sentence=f"{losses}{after}: the network learns the training rows by heart",
        numbers=numbers,
        advice=(*_regularised(observed.config), "more rows"),
    )


def _underfitting(losses: str, numbers: dict[str, float], config: RunConfig) -> Finding:
    wider = " ".join(str(2 * width) for width in config.hidden)
    advice = [f"--hidden {wider}", f"--learning-rate {3 * (config.learning_rate or 0.01):g}"]
    if max(config.dropout) > 0:
        advice.append(f"--dropout {max(config.dropout) / 2:g}")
    return Finding(
        name="underfitting",
        sentence=f"{losses}: even the training rows are not learned; the network is too small or "
        "too restrained, or the features say little of the classes",
        numbers=numbers,
        advice=tuple(advice),
    )


def _regularised(config: RunConfig) -> list[str]:
    narrower = " ".join(str(max(8, width // 2)) for width in config.hidden)
    rate = min(0.8, max(config.dropout) + 0.2)
    decay = 10 * (config.weight_decay or 0.0003)
    return [f"--dropout {rate:g}", f"--weight-decay {decay:g}", f"--hidden {narrower}"]


def _gradients(observed: Observed) -> Iterator[Finding]:
    norms = [record.gradient_norms for record in observed.records if record.gradient_norms]
    if not norms or len(observed.weights) < 2:
        return
    sizes = [math.sqrt(count) for count in observed.weights]
    scaled = [[norm / size for norm, size in zip(n, sizes, strict=True)] for n in norms]
    ratio = statistics.median(row[0] / max(row[-1], 1e-30) for row in scaled)
    numbers = {"first_layer_over_last": float(f"{ratio:.3g}"), "layers": len(sizes)}
    if ratio < _VANISHING:
        yield Finding(
            name="vanishing gradients",
            sentence=f"per weight, the gradient in the first layer is {ratio:.2g} of that in the "
            "last: the first layers hardly learn",
            numbers=numbers,
            advice=("--activation relu", "--batch-normalisation", "fewer --hidden layers"),
        )
    if ratio > _EXPLODING:
        yield Finding(
            name="exploding gradients",
            sentence=f"per weight, the gradient in the first layer is {ratio:.2g} times that in "
            "the last: it grows on its way back",
            numbers=numbers,
            advice=(
                "--max-norm 2",
                f"--learning-rate {(observed.config.learning_rate or 0.01) / 3:g}",
            ),
        )


def _units(observed: Observed) -> Iterator[Finding]:
    for number, layer in enumerate(observed.layers, start=1):
        if layer.dead >= _MANY_DEAD:
            yield Finding(
                name="dead units",
                sentence=f"{layer.dead:.0%} of the units of hidden layer {number} are 0 on every "
                "validation row: they take no part",
                numbers={"layer": number, "share": round(layer.dead, 4)},
                advice=(
                    f"--learning-rate {(observed.config.learning_rate or 0.01) / 3:g}",
                    "--activation leaky_relu",
                ),
            )
        if layer.saturated >= _MANY_SATURATED and not layer.dead >= _MANY_DEAD:
            yield Finding(
                name="saturated units",
                sentence=f"{layer.saturated:.0%} of the values of hidden layer {number} lie at a "
                "bound of the activation function, where its derivative is about 0",
                numbers={"layer": number, "share": round(layer.saturated, 4)},
                advice=("--activation relu", "--weight-decay 0.01"),
            )


def _length(observed: Observed) -> Iterator[Finding]:
    epochs = observed.config.epochs
    if len(observed.records) >= epochs and observed.best_epoch >= 0.95 * epochs >= 5:
        yield Finding(
            name="stopped early",
            sentence=f"the best epoch, {observed.best_epoch}, is among the last of {epochs}: the "
            "network was still learning",
            numbers={"best_epoch": observed.best_epoch, "epochs": epochs},
            advice=(f"--epochs {2 * epochs}",),
        )
