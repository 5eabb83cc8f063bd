"""Takes one network through its epochs; what it is made of can be kept and put back."""

import math
from dataclasses import dataclass, replace
from typing import Any

import torch

from training.config import Monitor, Optimiser, Schedule
from training.errors import Diverged
from training.fitting.backpropagation import Backpropagation
from training.fitting.batches import Batches
from training.fitting.divergence import diverged_sentence
from training.fitting.optimiser import SGD, AdamW, scheduled
from training.fitting.parameters import FlatParameters
from training.network import Perceptron

# Between two looks at whether the weights are still numbers.
_STEPS_A_LOOK = 200


@dataclass(frozen=True)
class Optimisation:
    """How to fit; `patience` is in epochs, `momentum` the first beta of AdamW.

    `dtype`, float32 or bfloat16, is that of matrix products and activations. `max_norm` bounds the
    Euclidean norm of the weights into each hidden unit.
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
    label_smoothing: float = 0.0
    max_norm: float | None = None

    def seeded(self, seed: int) -> "Optimisation":
        """The same with another seed."""
        return replace(self, seed=seed)


class Trainer:
    """Mini-batch steps of one network, epoch by epoch.

    An epoch depends on nothing but `state()` and its number, so that a fit that was cut off goes
    on as if it had not been.
    """

    def __init__(self, network: Perceptron, training: Batches, how: Optimisation) -> None:
        self._parameters = FlatParameters(network, how.dtype)
        self._network, self._training, self._how = network, training, how
        self._backpropagation = Backpropagation(
            network,
            self._parameters,
            batch_size=how.batch_size,
            seed=how.seed,
            label_smoothing=how.label_smoothing,
        )
        self._optimiser = (
            SGD(self._parameters, momentum=how.momentum, weight_decay=how.weight_decay)
            if how.optimiser == "sgd"
            else AdamW(self._parameters, betas=(how.momentum, 0.95), weight_decay=how.weight_decay)
        )

    def epoch(self, number: int) -> tuple[float, ...]:
        """One pass over the training rows; gradient norms of its middle step. Raises Diverged."""
        self._network.train()
        self._backpropagation.begin(number)
        steps = self._training.steps
        norms: tuple[float, ...] = ()
        for step, batch in enumerate(self._training.epoch(number)):
            self._backpropagation.gradient(batch.inputs, batch.class_index)
            if step == steps // 2:
                norms = self._backpropagation.gradient_norms()
            self._optimiser.step(self._learning_rate((number - 1) * steps + step))
            if self._how.max_norm is not None:
                self._parameters.bound_hidden_norms(self._how.max_norm)
            if step % _STEPS_A_LOOK == _STEPS_A_LOOK - 1:
                self._look(number)
        return norms

    def state(self) -> dict[str, Any]:
        """Everything that a later epoch depends on."""
        return {"network": self._network.state_dict(), "optimiser": self._optimiser.state()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave."""
        self._network.load_state_dict(state["network"])
        self._parameters.moved()
        self._optimiser.restore(state["optimiser"])

    def _learning_rate(self, step: int) -> float:
        progress = min(step / (self._how.epochs * self._training.steps), 1.0)
        return scheduled(self._how.schedule, self._how.learning_rate, progress)

    def _look(self, epoch: int) -> None:
        if not math.isfinite(float(self._parameters.values.sum())):
            raise Diverged(diverged_sentence(epoch, math.nan, self._how.learning_rate))
