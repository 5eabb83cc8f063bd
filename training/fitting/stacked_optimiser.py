"""SGD and AdamW steps of many models, each with settings of its own."""

from collections.abc import Sequence
from typing import Any

import torch

from training.fitting.job import Job
from training.fitting.stacked_parameters import StackedParameters, put_back

_BETA_2, _EPSILON = 0.95, 1e-8


class StackedOptimiser:
    """What fitting.optimiser does to one model, done to the first `models` of a stack.

    Per parameter tensor it keeps a velocity, or for AdamW running means of the gradients and of
    their squares. Every model has taken the same number of steps as the rows that it had.
    """

    def __init__(self, jobs: Sequence[Job], parameters: StackedParameters) -> None:
        self._parameters = parameters
        self._is_adamw = jobs[0].how.optimiser == "adamw"
        self._momentum = torch.tensor([job.how.momentum for job in jobs])
        self._decay = torch.tensor([job.how.weight_decay for job in jobs])
        bounds = [job.how.max_norm or float("inf") for job in jobs]
        self._bounds = torch.tensor(bounds) if min(bounds) < float("inf") else None
        self._steps = torch.zeros(len(jobs), dtype=torch.float64)
        self.means = [
            [torch.zeros_like(tensor) for tensor in parameters.all]
            for _ in range(1 + self._is_adamw)
        ]

    def keep(self, models: torch.Tensor) -> None:
        """Leave only these models, in this order; `parameters` has them already."""
        self._momentum, self._decay = self._momentum[models], self._decay[models]
        self._steps = self._steps[models]
        if self._bounds is not None:
            self._bounds = self._bounds[models]
        self.means = [[tensor.index_select(0, models) for tensor in kind] for kind in self.means]

    @torch.no_grad()
    def step(self, gradients: Sequence[torch.Tensor], learning_rates: torch.Tensor) -> None:
        """Move the first models by their gradients; `learning_rates` is (models,)."""
        models = len(learning_rates)
        decayed = len(self._parameters.decayed)
        move = self._adamw if self._is_adamw else self._sgd
        self._steps[:models] += 1
        for i, values in enumerate(self._parameters.all):
            move(i, values[:models], gradients[i][:models], learning_rates, is_decayed=i < decayed)
        if self._bounds is not None:
            self._bound_hidden_norms(models, self._bounds[:models])

    def state(self) -> dict[str, Any]:
        """What a later step depends on."""
        return {"steps": self._steps, "means": self.means}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave. Raises ValueError for tensors of other shapes."""
        put_back([self._steps], [state["steps"]])
        for kind, kept in zip(self.means, state["means"], strict=True):
            put_back(kind, kept)

    def _sgd(
        self,
        i: int,
        values: torch.Tensor,
        gradient: torch.Tensor,
        learning_rates: torch.Tensor,
        *,
        is_decayed: bool,
    ) -> None:
        velocity = self.means[0][i][: len(values)]
        velocity.mul_(_along(self._momentum, values)).add_(gradient)
        if is_decayed:
            velocity.addcmul_(values, _along(self._decay, values))
        values.addcmul_(velocity, _along(learning_rates, values), value=-1)

    def _adamw(
        self,
        i: int,
        values: torch.Tensor,
        gradient: torch.Tensor,
        learning_rates: torch.Tensor,
        *,
        is_decayed: bool,
    ) -> None:
        mean, square = (kind[i][: len(values)] for kind in self.means)
        beta = _along(self._momentum, values)
        steps = self._steps[: len(values)]
        if is_decayed:
            values.mul_(_along(1 - learning_rates * self._decay[: len(values)], values))
        mean.mul_(beta).addcmul_(gradient, 1 - beta)
        square.mul_(_BETA_2).addcmul_(gradient, gradient, value=1 - _BETA_2)
        correction = (1 - _BETA_2**steps).sqrt().float()
        size = learning_rates / (1 - self._momentum[: len(values)].double() ** steps).float()
        root = square.sqrt().div_(_along(correction, values)).add_(_EPSILON)
        values.sub_(mean.div(root).mul_(_along(size, values)))

    def _bound_hidden_norms(self, models: int, bounds: torch.Tensor) -> None:
        for weights in self._parameters.weights[:-1]:
            norms = torch.linalg.vector_norm(weights[:models], dim=2, keepdim=True)
            weights[:models].mul_((bounds.view(-1, 1, 1) / norms).clamp_(max=1.0))


def _along(per_model: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """One number a model, shaped to go with a parameter tensor of the first models."""
    return per_model[: len(values)].view(-1, *[1] * (values.dim() - 1))
