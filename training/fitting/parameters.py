"""All parameters of a network in one flat tensor, so that an optimiser's step is one call."""

from collections.abc import Sequence

import torch
from torch import nn

from training.network import Perceptron

# In float32 values: every tensor starts on a cache line, in bfloat16 too.
_ALIGNMENT = 32


class FlatParameters:
    """`values` and `gradient`, float32: the network's parameters are views of `values`.

    First come the weights of the linear layers, `values[:n_weights]`, then the embeddings, up to
    `n_decayed`, then everything that weight decay leaves alone.
    """

    def __init__(self, network: Perceptron) -> None:
        weights = [m.weight for m in network.modules() if isinstance(m, nn.Linear)]
        embeddings = [m.weight for m in network.modules() if isinstance(m, nn.Embedding)]
        decayed = {id(parameter) for parameter in (*weights, *embeddings)}
        others = [p for p in network.parameters() if id(p) not in decayed]
        self.n_weights = _total(weights)
        self.n_decayed = self.n_weights + _total(embeddings)
        self.values = torch.zeros(self.n_decayed + _total(others))
        self.gradient = torch.zeros_like(self.values)
        self._offsets: dict[int, int] = {}
        offset = 0
        for parameter in (*weights, *embeddings, *others):
            self._offsets[id(parameter)] = offset
            home = self.values[offset : offset + parameter.numel()].view_as(parameter)
            home.copy_(parameter.detach())
            parameter.data = home
            offset += _padded(parameter.numel())

    def view(self, flat: torch.Tensor, parameter: torch.Tensor) -> torch.Tensor:
        """The place of one of the network's parameters in a tensor laid out like `values`."""
        offset = self._offsets[id(parameter)]
        return flat[offset : offset + parameter.numel()].view(parameter.shape)


def _total(parameters: Sequence[torch.Tensor]) -> int:
    return sum(_padded(parameter.numel()) for parameter in parameters)


def _padded(count: int) -> int:
    return -(-count // _ALIGNMENT) * _ALIGNMENT
