"""Fit a network: mini-batch SGD or AdamW with dropout, and early stopping."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn

from training.config import Monitor, Optimiser, Schedule
from training.errors import Diverged
from training.fitting.backpropagation import Backpropagation
from training.fitting.batches import Batches
from training.fitting.optimiser import SGD, AdamW, scheduled
from training.fitting.parameters import FlatParameters
from training.inputs import Rows
from training.network import Perceptron, evaluation_logits


@dataclass(frozen=True)
class Optimisation:
    """How to fit; `patience` is in epochs, `momentum` the first beta of AdamW.

    `dtype`, float32 or bfloat16, is that of matrix products and activations.
    """

    epochs: int
    batch_size: int
    optimiser: Optimiser
    learning_rate: float
    schedule: Schedule
    momentum: float
    weight_decay: float
    dtype: torch.dtype
    monitor: Monitor
    patience: int
    seed: int


@dataclass(frozen=True)
class EpochRecord:
    """Losses (nats) and accuracies after one epoch, all in evaluation mode."""

    epoch: int
    training_loss: float
    training_accuracy: float
    validation_loss: float
    validation_accuracy: float
    is_best: bool


def fit(
    network: Perceptron, training: Batches, sample: Rows, validation: Rows, how: Optimisation
) -> Iterator[EpochRecord]:
    """Fit in place, yielding after each epoch; at the end the best epoch's weights are back.

    The training side is measured on `sample`, some of the training rows. Best is the lowest
    validation loss, or with `monitor` the highest accuracy and of equal ones the lowest loss;
    `patience` epochs without a better one end the fit. Raises Diverged when the loss is no longer
    finite.
    """
    train = _Trainer(network, training, how)
    best, best_epoch = (float("inf"), float("inf")), 0
    best_weights = copy.deepcopy(network.state_dict())
    for epoch in range(1, how.epochs + 1):
        train(epoch)
        training_loss, training_accuracy = _measure(network, sample)
        validation_loss, validation_accuracy = _measure(network, validation)
        if not (_is_finite(training_loss) and _is_finite(validation_loss)):
            raise Diverged(
                f"the loss is no longer a number after epoch {epoch}: the learning rate of "
                f"{how.learning_rate:g} is too large; "
                f"try --learning-rate {how.learning_rate / 10:g}"
            )
        wrong = 1 - validation_accuracy if how.monitor == "accuracy" else 0.0
        is_best = (wrong, validation_loss) < best
        if is_best:
            best, best_epoch = (wrong, validation_loss), epoch
            best_weights = copy.deepcopy(network.state_dict())
        yield EpochRecord(
            epoch, training_loss, training_accuracy, validation_loss, validation_accuracy, is_best
        )
        if epoch - best_epoch >= how.patience:
            break
    network.load_state_dict(best_weights)
    network.eval()


class _Trainer:
    """What takes a network through one epoch after the other."""

    def __init__(self, network: Perceptron, training: Batches, how: Optimisation) -> None:
        parameters = FlatParameters(network, how.dtype)
        self._network, self._training, self._how = network, training, how
        self._backpropagation = Backpropagation(
            network,
            parameters,
            batch_size=how.batch_size,
            seed=how.seed,
        )
        self._optimiser = (
            SGD(parameters, momentum=how.momentum, weight_decay=how.weight_decay)
            if how.optimiser == "sgd"
            else AdamW(parameters, betas=(how.momentum, 0.95), weight_decay=how.weight_decay)
        )

    def __call__(self, epoch: int) -> None:
        self._network.train()
        total = self._how.epochs * self._training.steps
        done = (epoch - 1) * self._training.steps
        for step, batch in enumerate(self._training.epoch(), start=done):
            self._backpropagation.gradient(batch.inputs, batch.class_index)
            progress = min(step / total, 1.0)
            self._optimiser.step(scheduled(self._how.schedule, self._how.learning_rate, progress))


def _measure(network: Perceptron, rows: Rows) -> tuple[float, float]:
    logits = evaluation_logits(network, rows.inputs)
    loss = nn.functional.cross_entropy(logits, rows.class_index).item()
    accuracy = (logits.argmax(dim=1) == rows.class_index).float().mean().item()
    return loss, accuracy


def _is_finite(value: float) -> bool:
    return value - value == 0.0
