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
        self._momentum, self._weight_decay = momentum, weight_decay
        self._chunks = [
            # Without momentum the kernel takes no velocity.
            (chunk, [torch.zeros_like(chunk.values)] if momentum else [])
            for chunk in parameters.chunks()
        ]

    def step(self, learning_rate: float) -> None:
        """Move the parameters by the gradient that is there."""
        for chunk, velocity in self._chunks:
            torch._fused_sgd_(
                [chunk.values], [chunk.gradient()], velocity, lr=learning_rate,
                momentum=self._momentum, weight_decay=self._weight_decay * chunk.is_decayed,
                dampening=0.0, nesterov=False, maximize=False, is_first_step=False,
            )  # fmt: skip
            chunk.moved()

    def state(self) -> list[torch.Tensor]:
        """The velocities."""
        return [tensor for _, velocity in self._chunks for tensor in velocity]

    def restore(self, state: list[torch.Tensor]) -> None:
        """Go on with the velocities that `state` gave."""
        for home, kept in zip(self.state(), state, strict=True):
            home.copy_(kept)


class AdamW:
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019), as torch.optim.AdamW has it."""

    def __init__(
        self, parameters: FlatParameters, *, betas: tuple[float, float], weight_decay: float
    ) -> None:
        self._betas, self._weight_decay = betas, weight_decay
        self._step = torch.zeros(())
        self._chunks = [
            (chunk, torch.zeros_like(chunk.values), torch.zeros_like(chunk.values))
            for chunk in parameters.chunks()
        ]

    def step(self, learning_rate: float) -> None:
        """Move the parameters by the gradient that is there."""
        self._step += 1
        for chunk, mean, square in self._chunks:
            torch._fused_adamw_(
                [chunk.values], [chunk.gradient()], [mean], [square], [], [self._step],
                lr=learning_rate, beta1=self._betas[0], beta2=self._betas[1],
                weight_decay=self._weight_decay * chunk.is_decayed, eps=1e-8, amsgrad=False,
                maximize=False,
            )  # fmt: skip
            chunk.moved()

    def state(self) -> list[torch.Tensor]:
        """The number of steps, and the running means of gradients and of their squares."""
        return [self._step, *(tensor for _, *means in self._chunks for tensor in means)]

    def restore(self, state: list[torch.Tensor]) -> None:
        """Go on with what `state` gave."""
        for home, kept in zip(self.state(), state, strict=True):
            home.copy_(kept)


def scheduled(schedule: Schedule, learning_rate: float, progress: float) -> float:
    """The learning rate when the share `progress`, in [0, 1), of all steps is done.

    Linear and cosine fall from the given rate to 0 (Loshchilov & Hutter 2017, equation 5, without
    restarts); coslog4 rises and falls four times, each time more slowly (Holzmüller et al. 2024,
    section 3).
    """
    if schedule == "linear":
        return learning_rate * (1 - progress)
    if schedule == "cosine":
        return learning_rate * 0.5 * (1 + math.cos(math.pi * progress))
    if schedule == "coslog4":
        return learning_rate * 0.5 * (1 - math.cos(2 * math.pi * math.log2(1 + 15 * progress)))
    return learning_rate
