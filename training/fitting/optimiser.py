"""Optimiser steps on flat parameters, by the kernels behind torch.optim's fused=True.

torch.optim itself is left alone: importing it loads PyTorch's compiler, for more than a second.
"""

import math

import torch

from training.config import Schedule
from training.fitting.parameters import FlatParameters


class SGD:
    """SGD with heavy-ball momentum and an L2 penalty, as torch.optim.SGD has them."""

    def __init__(self, parameters: FlatParameters, *, momentum: float, weight_decay: float) -> None:
        velocity = torch.zeros_like(parameters.values)
        self._momentum = momentum
        self._groups = [
            (parameters.values[rows], parameters.gradient[rows], velocity[rows], decay)
            for rows, decay in _groups(parameters, weight_decay)
        ]

    def step(self, learning_rate: float) -> None:
        """Move the parameters by the gradient that is there."""
        for values, gradient, velocity, decay in self._groups:
            # Without momentum the kernel takes no velocity.
            velocities = [velocity] if self._momentum else []
            torch._fused_sgd_(
                [values], [gradient], velocities, lr=learning_rate, momentum=self._momentum,
                weight_decay=decay, dampening=0.0, nesterov=False, maximize=False,
                is_first_step=False,
            )  # fmt: skip


class AdamW:
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019), as torch.optim.AdamW has it."""

    def __init__(
        self, parameters: FlatParameters, *, betas: tuple[float, float], weight_decay: float
    ) -> None:
        mean, square = torch.zeros_like(parameters.values), torch.zeros_like(parameters.values)
        self._betas = betas
        self._step = torch.zeros(())
        self._groups = [
            (parameters.values[rows], parameters.gradient[rows], mean[rows], square[rows], decay)
            for rows, decay in _groups(parameters, weight_decay)
        ]

    def step(self, learning_rate: float) -> None:
        """Move the parameters by the gradient that is there."""
        self._step += 1
        for values, gradient, mean, square, decay in self._groups:
            torch._fused_adamw_(
                [values], [gradient], [mean], [square], [], [self._step], lr=learning_rate,
                beta1=self._betas[0], beta2=self._betas[1], weight_decay=decay, eps=1e-8,
                amsgrad=False, maximize=False,
            )  # fmt: skip


def scheduled(schedule: Schedule, learning_rate: float, progress: float) -> float:
    """The learning rate when the share `progress`, in [0, 1), of all steps is done.

    Cosine falls from the given rate to 0 (Loshchilov & Hutter 2017, equation 5, without restarts).
    """
    if schedule == "constant":
        return learning_rate
    return learning_rate * 0.5 * (1 + math.cos(math.pi * progress))


def _groups(parameters: FlatParameters, weight_decay: float) -> list[tuple[slice, float]]:
    # Decay shrinks weights towards 0; a bias has no such preferred value.
    cut = parameters.n_decayed
    return [(slice(0, cut), weight_decay), (slice(cut, None), 0.0)]
