"""All parameters of a network in flat tensors, so that an optimiser's step is a few calls."""

from collections.abc import Iterator, Sequence

import torch
from torch import nn

from training.network import Perceptron

# In float32 values: every tensor starts on a cache line, in bfloat16 too.
_ALIGNMENT = 32
# Values that an optimiser takes at a time in bfloat16: what it reads and writes stays in cache.
_CHUNK = 1 << 19


class FlatParameters:
    """`values` and `gradient`, float32: the network's parameters are views of `values`.

    First come the weights of the linear layers, `values[:n_weights]`, then the embeddings, up to
    `n_decayed`, then everything that weight decay leaves alone. Matrix products take the weights
    from `product_values` and leave their gradients in `product_gradient`, both of `dtype`; in
    float32 these are views of the former.
    """

    def __init__(self, network: Perceptron, dtype: torch.dtype = torch.float32) -> None:
        weights = [m.weight for m in network.modules() if isinstance(m, nn.Linear)]
        embeddings = [m.weight for m in network.modules() if isinstance(m, nn.Embedding)]
        decayed = {id(parameter) for parameter in (*weights, *embeddings)}
        others = [p for p in network.parameters() if id(p) not in decayed]
        self.dtype = dtype
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
        # What is not the last linear layer is a hidden one.
        self._hidden_weights = [
            (self.view(self.values, weight), slice(start, start + weight.numel()))
            for weight, start in ((w, self._offsets[id(w)]) for w in weights[:-1])
        ]
        self.product_values = self.values[: self.n_weights].to(dtype)
        self.product_gradient = self.gradient[: self.n_weights].to(dtype)

    def view(self, flat: torch.Tensor, parameter: torch.Tensor) -> torch.Tensor:
        """The place of one of the network's parameters in a tensor laid out like `values`."""
        offset = self._offsets[id(parameter)]
        return flat[offset : offset + parameter.numel()].view(parameter.shape)

    def moved(self) -> None:
        """To be called when `values` were changed by anything but an optimiser."""
        if self.dtype != torch.float32:
            self.product_values.copy_(self.values[: self.n_weights])

    def bound_hidden_norms(self, bound: float) -> None:
        """Scale down the weights into every hidden unit to a Euclidean norm of at most `bound`.

        Srivastava et al. 2014, section 5.1.
        """
        for weight, place in self._hidden_weights:
            norms = torch.linalg.vector_norm(weight, dim=1, keepdim=True)
            weight.mul_((bound / norms).clamp_(max=1.0))
            if self.dtype != torch.float32:
                self.product_values[place].copy_(self.values[place])

    def chunks(self) -> Iterator["Chunk"]:
        """Everything once, in parts that an optimiser may take one after the other."""
        if self.dtype == torch.float32:
            yield Chunk(self, slice(0, self.n_decayed), is_decayed=True)
        else:
            for start in range(0, self.n_weights, _CHUNK):
                stop = min(start + _CHUNK, self.n_weights)
                yield Chunk(self, slice(start, stop), is_decayed=True)
            yield Chunk(self, slice(self.n_weights, self.n_decayed), is_decayed=True)
        yield Chunk(self, slice(self.n_decayed, None), is_decayed=False)


class Chunk:
    """A stretch of the parameters."""

    def __init__(self, parameters: FlatParameters, rows: slice, *, is_decayed: bool) -> None:
        self.is_decayed = is_decayed
        self.values = parameters.values[rows]
        self._gradient = parameters.gradient[rows]
        is_copied = parameters.dtype != torch.float32 and rows.start < parameters.n_weights
        self._product_values = parameters.product_values[rows] if is_copied else None
        self._product_gradient = parameters.product_gradient[rows] if is_copied else None

    def gradient(self) -> torch.Tensor:
        """The gradient of the last mini-batch, in float32."""
        if self._product_gradient is not None:
            self._gradient.copy_(self._product_gradient)
        return self._gradient

    def moved(self) -> None:
        """To be called when `values` have changed."""
        if self._product_values is not None:
            self._product_values.copy_(self.values)


def _total(parameters: Sequence[torch.Tensor]) -> int:
    return sum(_padded(parameter.numel()) for parameter in parameters)


def _padded(count: int) -> int:
    return -(-count // _ALIGNMENT) * _ALIGNMENT
