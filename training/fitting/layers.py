"""Layers with their forward and backward passes, working in buffers that are made once."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from training.fitting.masks import LEVELS, RandomBytes, dropped_levels
from training.fitting.parameters import FlatParameters

# self where other > threshold, else 0, in one vectorised pass; PyTorch has no other such kernel.
_where_above = torch.ops.aten.threshold_backward.grad_input


class Affine:
    """scale * x W^T + b. The scale of the dropout before it costs nothing as a factor here."""

    def __init__(self, linear: nn.Linear, parameters: FlatParameters, scale: float) -> None:
        self._weight = parameters.view(parameters.product_values, linear.weight)
        self._weight_gradient = parameters.view(parameters.product_gradient, linear.weight)
        self._bias = linear.bias.detach()
        self._bias_gradient = parameters.view(parameters.gradient, linear.bias)
        self._scale = scale

    def forward(self, x: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
        bias = self._bias.to(x.dtype)
        return torch.addmm(bias, x, self._weight.t(), alpha=self._scale, out=out)

    def backward(self, x: torch.Tensor, upstream: torch.Tensor) -> None:
        home = self._weight_gradient
        torch.addmm(home, upstream.t(), x, beta=0, alpha=self._scale, out=home)
        torch.sum(upstream, 0, dtype=torch.float32, out=self._bias_gradient)

    def gradient_norm(self) -> float:
        """The Euclidean norm of the weight's last gradient."""
        return float(self._weight_gradient.float().norm())

    def input_gradient(self, upstream: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
        return torch.addmm(out, upstream, self._weight, beta=0, alpha=self._scale, out=out)


class Dropout:
    """Sets values to 0 where a random byte says so; what is kept is scaled by the next Affine.

    The rate is a multiple of 1/256, and the scale that of the rate really used, so that the
    expectation is exact (Srivastava et al. 2014, section 10, the inverted form).
    """

    def __init__(self, rate: float, noise: torch.Tensor, *, seed: int, layer: int) -> None:
        self._levels = dropped_levels(rate)
        self.scale = LEVELS / (LEVELS - self._levels)
        self.noise = noise
        self._seed, self._layer = seed, layer
        self.begin(1)

    def begin(self, epoch: int) -> None:
        """Take the masks of this epoch."""
        self._random = RandomBytes(self._seed, epoch=epoch, layer=self._layer)

    def draw(self, rows: int) -> None:
        noise = self.noise[:rows]
        noise.copy_(self._random.take(noise.numel()).view(noise.shape))

    def apply(self, values: torch.Tensor) -> torch.Tensor:
        kept = _where_above(values, self.noise[: len(values)], self._levels - 1, grad_input=values)
        assert isinstance(kept, torch.Tensor)
        return kept


class _Norm:
    """Batch normalisation (Ioffe & Szegedy 2015) by PyTorch's own two kernels."""

    def __init__(self, module: nn.BatchNorm1d, parameters: FlatParameters) -> None:
        self._statistics = (module.running_mean, module.running_var)
        self._weight, self._bias = module.weight.detach(), module.bias.detach()
        self._eps, self._momentum = module.eps, module.momentum or 0.1
        self._gradients = [
            parameters.view(parameters.gradient, p) for p in (module.weight, module.bias)
        ]

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        self._input = z
        normalised, *self._saved = torch.native_batch_norm(
            z, self._weight, self._bias, *self._statistics, True, self._momentum, self._eps
        )
        return normalised

    def backward(self, upstream: torch.Tensor) -> torch.Tensor:
        passed, *gradients = torch.ops.aten.native_batch_norm_backward(
            upstream, self._input, self._weight, *self._statistics, *self._saved, True, self._eps,
            [True, True, True],
        )  # fmt: skip
        for home, gradient in zip(self._gradients, gradients, strict=True):
            home.copy_(gradient)
        assert isinstance(passed, torch.Tensor)
        return passed


class _Relu:
    """max(0, z) in place. Its own output, dropped out or not, says where the gradient passes."""

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return torch.relu_(z)

    def backward(self, upstream: torch.Tensor, output: torch.Tensor) -> torch.Tensor:
        passed = _where_above(upstream, output, 0, grad_input=upstream)
        assert isinstance(passed, torch.Tensor)
        return passed


class _ByAutograd:
    """Any other activation function, in float32, its own parameters' gradients included."""

    def __init__(self, module: nn.Module, parameters: FlatParameters) -> None:
        self._module = module
        self._learned = list(module.parameters())
        self._gradients = [parameters.view(parameters.gradient, p) for p in self._learned]

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        with torch.enable_grad():
            self._input = z.detach().float().requires_grad_()
            self._output = self._module(self._input)
        output: torch.Tensor = self._output.detach().to(z.dtype, copy=True)
        return output

    def backward(self, upstream: torch.Tensor, _output: torch.Tensor) -> torch.Tensor:
        gradients = torch.autograd.grad(
            self._output, [self._input, *self._learned], upstream.float()
        )
        for home, gradient in zip(self._gradients, gradients[1:], strict=True):
            home.copy_(gradient)
        passed: torch.Tensor = gradients[0].to(upstream.dtype)
        return passed


class Hidden:
    """Linear, batch normalisation if any, activation, Dropout."""

    def __init__(
        self,
        modules: Sequence[Any],
        parameters: FlatParameters,
        scale: float,
        *,
        batch_size: int,
        seed: int,
        layer: int,
    ) -> None:
        linear, *norm, activation, dropout = modules
        width = linear.out_features
        self.affine = Affine(linear, parameters, scale)
        self._norm = _Norm(norm[0], parameters) if norm else None
        self._activation = (
            _Relu() if isinstance(activation, nn.ReLU) else _ByAutograd(activation, parameters)
        )
        self._z = torch.empty(batch_size, width, dtype=parameters.dtype)
        noise = torch.empty_like(self._z)
        self._dropout = Dropout(dropout.p, noise, seed=seed, layer=layer) if dropout.p > 0 else None
        self.scale = self._dropout.scale if self._dropout else 1.0
        self.gradient = torch.empty_like(self._z)

    def begin(self, epoch: int) -> None:
        """Take the masks of this epoch."""
        if self._dropout is not None:
            self._dropout.begin(epoch)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The output before the dropout's scale; `output` keeps it for the backward pass."""
        z = self.affine.forward(x, self._z[: len(x)])
        if self._norm is not None:
            z = self._norm.forward(z)
        self.output = self._activation.forward(z)
        if self._dropout is not None:
            self._dropout.draw(len(x))
            self._dropout.apply(self.output)
        return self.output

    def backward(self, upstream: torch.Tensor) -> torch.Tensor:
        """From the gradient at the output to that at z."""
        if self._dropout is not None and not isinstance(self._activation, _Relu):
            self._dropout.apply(upstream)
        upstream = self._activation.backward(upstream, self.output)
        return upstream if self._norm is None else self._norm.backward(upstream)
