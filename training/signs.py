"""What is measured of a fit before anything is said of it: the signs that a verdict reads."""

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from training.advice import Tried
from training.config import RunConfig
from training.fitting.early_stopping import EpochRecord
from training.metrics import LEAST, Answers, Floats, Indices
from training.parts import row_parts
from training.references import References
from training.split import Label

# Standard errors that a difference must exceed, and the least of errors or of what guessing leaves
# that it must be.
_STANDARD_ERRORS, _CLEARLY = 2.0, 0.8
# Gradients per weight in the first layer over those in the last.
VANISHING = 1e-2
_ALL_DEAD = 0.99
# Rows of a class among the judged ones from which on a recall of 0 says something of it.
FEWEST_OF_A_CLASS = 3
_LAST_EPOCHS = 0.95
# In shares of the loss of guessing.
_ABOVE, _UNMOVED = 0.01, 0.01


@dataclass(frozen=True)
class LayerState:
    """Of one hidden layer over validation rows.

    Shares of units that are 0 on every row, and of values within 1 % of a bound of the activation
    function.
    """

    dead: float
    saturated: float


@dataclass(frozen=True)
class Judged:
    """Rows that the network did not train on: `logits` (n, n_classes), `class_index` (n,).

    `references` answered some of the same rows.
    """

    logits: torch.Tensor
    class_index: Indices
    references: References


@dataclass(frozen=True)
class Observed:
    """One fit, or the mean over folds of several.

    `best_epoch` is the one whose weights were kept; `class_counts` are of the training rows;
    `weights` are the sizes of the linear layers' weights; `labels` are in the order of
    `class_counts`; `leaks` say which columns give the label away; `tried` are a search's other
    settings.
    """

    config: RunConfig
    records: Sequence[EpochRecord]
    best_epoch: int
    class_counts: Sequence[int]
    layers: Sequence[LayerState]
    weights: Sequence[int]
    judged: Judged
    labels: Sequence[Label]
    leaks: Sequence[str] = ()
    tried: Tried = ()


@dataclass(frozen=True)
class Signs:
    """Losses in nats; `gap`, `rise`, `fall` and `left` in shares of the loss of guessing.

    `gap`: validation over training loss at the best epoch; `rise`: of the validation loss after
    it; `fall`: of the training loss after it; `left`: the validation loss. `better_reference` is
    one that is clearly better on the judged rows; `best_reference` the most accurate; its accuracy
    counts as above guessing where that is beyond chance.
    """

    rows: int
    fewest: float
    training_loss: float
    validation_loss: float
    guessing: float
    accuracy: float
    training_accuracy: float
    majority: float
    gap: float
    rise: float
    fall: float
    beats_guessing: bool
    vanishing: bool
    dead_layer: bool
    still_learning: bool
    above_guessing: bool
    unmoved: bool
    best_reference: str
    best_reference_accuracy: float
    reference_beats_guessing: bool
    better_reference: str | None
    better_reference_accuracy: float
    lost_classes: tuple[str, ...]
    leaks: tuple[str, ...]

    @property
    def left(self) -> float:
        return self.validation_loss / self.guessing


def read_signs(observed: Observed) -> Signs:
    """Measure all of them."""
    counts = np.asarray(observed.class_counts, dtype=np.float64)
    shares = np.maximum(counts / counts.sum(), 1e-12)
    guessing = float(-(shares * np.log(shares)).sum())
    best, last = observed.records[observed.best_epoch - 1], observed.records[-1]
    judged = observed.judged
    true = judged.class_index
    network = _Answers.of(Answers.of_parts(_probabilities(judged.logits), true))
    guess = _guesses(shares, true)
    scored = judged.references.scored
    references = {r.name: _Answers.of(r.answers) for r in judged.references.found}
    best_name = max(references, key=lambda name: float(references[name].right.mean()))
    better = [
        name
        for name, its in references.items()
        if _is_clearly_better(its, network[scored], guess[scored])
    ]
    better_name = max(better, key=lambda name: references[name].right.mean(), default=None)
    above = best.training_loss > (1 + _ABOVE) * guessing
    moved = abs(best.training_loss - observed.records[0].training_loss) / guessing
    ratio = gradient_ratio(observed)
    return Signs(
        rows=len(true),
        fewest=float(counts.min()),
        training_loss=best.training_loss,
        validation_loss=best.validation_loss,
        guessing=guessing,
        accuracy=float(network.right.mean()),
        training_accuracy=best.training_accuracy,
        majority=float(guess.right.mean()),
        gap=(best.validation_loss - best.training_loss) / guessing,
        rise=(last.validation_loss - best.validation_loss) / guessing,
        fall=(best.training_loss - last.training_loss) / guessing,
        beats_guessing=_beats(network, guess),
        vanishing=ratio is not None and ratio < VANISHING,
        dead_layer=any(layer.dead >= _ALL_DEAD for layer in observed.layers),
        still_learning=_is_still_learning(observed, is_above=above),
        above_guessing=above,
        unmoved=above and len(observed.records) > 1 and moved < _UNMOVED,
        best_reference=best_name,
        best_reference_accuracy=float(references[best_name].right.mean()),
        reference_beats_guessing=any(_beats(its, guess[scored]) for its in references.values()),
        better_reference=better_name,
        better_reference_accuracy=0.0
        if better_name is None
        else float(references[better_name].right.mean()),
        lost_classes=tuple(str(observed.labels[i]) for i in _lost(network, true, len(shares))),
        leaks=tuple(observed.leaks),
    )


def gradient_ratio(observed: Observed) -> float | None:
    """Per weight, the gradient in the first layer over that in the last: the median epoch's."""
    norms = [record.gradient_norms for record in observed.records if record.gradient_norms]
    if not norms or len(observed.weights) < 2:
        return None
    sizes = [math.sqrt(count) for count in observed.weights]
    scaled = [[norm / size for norm, size in zip(n, sizes, strict=True)] for n in norms]
    return statistics.median(row[0] / max(row[-1], 1e-30) for row in scaled)


@dataclass(frozen=True)
class _Answers:
    """Whether each row is right, and its loss, (n,) each."""

    right: Floats
    loss: Floats

    @classmethod
    def of(cls, answers: Answers) -> "_Answers":
        return cls(answers.right.astype(np.float64), answers.losses)

    def __getitem__(self, rows: Indices) -> "_Answers":
        return _Answers(self.right[rows], self.loss[rows])


def _probabilities(logits: torch.Tensor) -> Iterator[Floats]:
    for part in row_parts(*logits.shape):
        yield torch.softmax(logits[part].double(), dim=1).numpy()


def _guesses(shares: Floats, class_index: Indices) -> _Answers:
    right = class_index == shares.argmax()
    return _Answers(right.astype(np.float64), -np.log(np.maximum(shares, LEAST))[class_index])


def _beats(these: _Answers, guess: _Answers) -> bool:
    """Lower losses, or more right, by more than chance."""
    return _is_above_0(guess.loss - these.loss) or _is_above_0(these.right - guess.right)


def _is_clearly_better(reference: _Answers, network: _Answers, guess: _Answers) -> bool:
    """By more than chance on the same rows, and by more than a trifle."""
    by_errors = _is_above_0(reference.right - network.right) and (
        (1 - reference.right).mean() <= _CLEARLY * (1 - network.right).mean()
        or (network.right - guess.right).mean() <= _CLEARLY * (reference.right - guess.right).mean()
    )
    by_loss = _is_above_0(network.loss - reference.loss) and (
        (guess.loss - network.loss).mean() <= _CLEARLY * (guess.loss - reference.loss).mean()
    )
    return bool(by_errors or by_loss)


def _is_above_0(differences: Floats) -> bool:
    if len(differences) < 2:
        return False
    error = float(differences.std(ddof=1)) / math.sqrt(len(differences))
    return float(differences.mean()) > _STANDARD_ERRORS * error


def _is_still_learning(observed: Observed, *, is_above: bool) -> bool:
    """Whether it ran out of epochs while both losses fell, or the training loss had yet to."""
    records, epochs = observed.records, observed.config.epochs
    if len(records) < max(2, epochs) or observed.best_epoch < _LAST_EPOCHS * epochs:
        return False
    half, last = records[len(records) // 2 - 1], records[-1]
    training = half.training_loss - last.training_loss
    validation = half.validation_loss - last.validation_loss
    return training > 0 and (is_above or validation >= training / 2)


def _lost(network: _Answers, class_index: Indices, n_classes: int) -> tuple[int, ...]:
    rows = np.bincount(class_index, minlength=n_classes)
    hits = np.bincount(class_index, weights=network.right, minlength=n_classes)
    return tuple(np.flatnonzero((rows >= FEWEST_OF_A_CLASS) & (hits == 0)).tolist())
