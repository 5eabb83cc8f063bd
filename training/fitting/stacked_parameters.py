"""The parameters of equally shaped networks, stacked: the first axis counts the models."""

from collections.abc import Sequence

import torch

from training.network import Perceptron


class StackedParameters:
    """`tables` (embeddings), then `weights` and `biases` of the linear layers, inputs first.

    Shapes: tables (models, codes, width), weights (models, out, in), biases (models, out). Every
    tensor is contiguous, which batched products need.
    """

    def __init__(self, networks: Sequence[Perceptron]) -> None:
        first = networks[0]
        self.tables = [
            _stacked([n.embeddings[i].weight for n in networks])
            for i in range(len(first.embeddings))
        ]
        self.weights = [
            _stacked([n.linears[i].weight for n in networks]) for i in range(len(first.linears))
        ]
        self.biases = [
            _stacked([n.linears[i].bias for n in networks]) for i in range(len(first.linears))
        ]

    @property
    def decayed(self) -> list[torch.Tensor]:
        """What weight decay pulls at."""
        return [*self.tables, *self.weights]

    @property
    def all(self) -> list[torch.Tensor]:
        """Every tensor, the decayed ones first."""
        return [*self.decayed, *self.biases]

    def of(self, model: int) -> list[torch.Tensor]:
        """A copy of one model's parameters, in the order of `all`."""
        return [tensor[model].clone() for tensor in self.all]

    def keep(self, models: torch.Tensor) -> None:
        """Leave only these models, in this order."""
        for tensors in (self.tables, self.weights, self.biases):
            tensors[:] = [tensor.index_select(0, models) for tensor in tensors]


@torch.no_grad()
def put(network: Perceptron, parameters: Sequence[torch.Tensor]) -> None:
    """Give a network the parameters that `StackedParameters.of` gave."""
    linears = network.linears
    homes = [
        *(table.weight for table in network.embeddings),
        *(linear.weight for linear in linears),
        *(linear.bias for linear in linears),
    ]
    for home, found in zip(homes, parameters, strict=True):
        home.copy_(found)


@torch.no_grad()
def put_back(homes: Sequence[torch.Tensor], kept: Sequence[torch.Tensor]) -> None:
    """Copy tensors into others of the same shapes. Raises ValueError for other shapes."""
    for home, found in zip(homes, kept, strict=True):
        if home.shape != found.shape:
            raise ValueError(f"expected a tensor of {tuple(home.shape)}, got {tuple(found.shape)}")
        home.copy_(found)


def _stacked(parameters: Sequence[torch.Tensor]) -> torch.Tensor:
    return torch.stack([parameter.detach() for parameter in parameters])
