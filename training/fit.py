"""Fit a network: mini-batch SGD with momentum and weight decay, and early stopping."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn

from training.errors import Diverged
from training.network import evaluation_logits


@dataclass(frozen=True)
class Optimisation:
    """How to fit; `patience` is in epochs."""

    epochs: int
    batch_size: int
    learning_rate: float
    momentum: float
    weight_decay: float
    patience: int
    seed: int


@dataclass(frozen=True)
class Rows:
    """Standardised features, (n, n_features), and class indices, (n,)."""

    features: torch.Tensor
    class_index: torch.Tensor


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
    network: nn.Sequential, training: Rows, validation: Rows, how: Optimisation
) -> Iterator[EpochRecord]:
    """Fit in place, yielding after each epoch; at the end the best epoch's weights are back.

    Best is the lowest validation loss; `patience` epochs without a lower one end the fit.
    Raises Diverged when the loss is no longer finite.
    """
    optimiser = _optimiser(network, how)
    generator = torch.Generator().manual_seed(how.seed)
    best_loss, best_epoch = float("inf"), 0
    best_weights = copy.deepcopy(network.state_dict())
    for epoch in range(1, how.epochs + 1):
        _train_one_epoch(network, training, optimiser, how.batch_size, generator)
        training_loss, training_accuracy = _measure(network, training)
        validation_loss, validation_accuracy = _measure(network, validation)
        if not (_is_finite(training_loss) and _is_finite(validation_loss)):
            raise Diverged(
                f"the loss is no longer a number after epoch {epoch}: the learning rate of "
                f"{how.learning_rate:g} is too large; "
                f"try --learning-rate {how.learning_rate / 10:g}"
            )
        is_best = validation_loss < best_loss
        if is_best:
            best_loss, best_epoch = validation_loss, epoch
            best_weights = copy.deepcopy(network.state_dict())
        yield EpochRecord(
            epoch, training_loss, training_accuracy, validation_loss, validation_accuracy, is_best
        )
        if epoch - best_epoch >= how.patience:
            break
    network.load_state_dict(best_weights)
    network.eval()


def _optimiser(network: nn.Sequential, how: Optimisation) -> torch.optim.SGD:
    # Decay shrinks weights towards 0; a bias has no such preferred value.
    weights = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]
    groups = [
        {"params": weights, "weight_decay": how.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.SGD(groups, lr=how.learning_rate, momentum=how.momentum)


def _train_one_epoch(
    network: nn.Sequential,
    rows: Rows,
    optimiser: torch.optim.SGD,
    batch_size: int,
    generator: torch.Generator,
) -> None:
    network.train()
    order = torch.randperm(len(rows.class_index), generator=generator)
    for batch in torch.split(order, batch_size):
        loss = nn.functional.cross_entropy(network(rows.features[batch]), rows.class_index[batch])
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()


def _measure(network: nn.Sequential, rows: Rows) -> tuple[float, float]:
    logits = evaluation_logits(network, rows.features)
    loss = nn.functional.cross_entropy(logits, rows.class_index).item()
    accuracy = (logits.argmax(dim=1) == rows.class_index).float().mean().item()
    return loss, accuracy


def _is_finite(value: float) -> bool:
    return value - value == 0.0
