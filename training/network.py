"""The multilayer perceptron: Linear, activation, Dropout for each hidden layer, then Linear."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import nn

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "relu6": nn.ReLU6,
    "prelu": nn.PReLU,
    "elu": nn.ELU,
    "celu": nn.CELU,
    "selu": nn.SELU,
    "gelu": nn.GELU,
    "gelu_tanh": lambda: nn.GELU(approximate="tanh"),
    "silu": nn.SiLU,
    "mish": nn.Mish,
    "sigmoid": nn.Sigmoid,
    "logsigmoid": nn.LogSigmoid,
    "hardsigmoid": nn.Hardsigmoid,
    "hardswish": nn.Hardswish,
    "hardtanh": nn.Hardtanh,
    "tanh": nn.Tanh,
    "softplus": nn.Softplus,
    "softsign": nn.Softsign,
    "tanhshrink": nn.Tanhshrink,
    "softshrink": nn.Softshrink,
    "hardshrink": nn.Hardshrink,
}

# Glorot & Bengio 2010 is for functions with slope 1 at 0 and two flat ends, Klambauer et al. 2017
# asks for 1 / fan_in, and He et al. 2015 makes up for the half that a rectifier sets to 0.
_GLOROT = {"sigmoid", "hardsigmoid", "tanh", "hardtanh", "softsign"}
_LECUN = {"selu", "logsigmoid", "tanhshrink", "softshrink", "hardshrink"}


def build_network(
    *,
    n_features: int,
    hidden: Sequence[int],
    n_classes: int,
    activation: str,
    dropout: Sequence[float],
) -> nn.Sequential:
    """A freshly initialised network from (n, n_features) to logits (n, n_classes).

    `dropout` holds one rate for each hidden layer. Draws from torch's global generator.
    """
    layers: list[nn.Module] = []
    widths = (n_features, *hidden)
    for (fan_in, fan_out), rate in zip(pairwise(widths), dropout, strict=True):
        linear = nn.Linear(fan_in, fan_out)
        _initialise(linear, activation)
        layers += [linear, ACTIVATIONS[activation](), nn.Dropout(rate)]
    output = nn.Linear(widths[-1], n_classes)
    nn.init.xavier_normal_(output.weight)
    nn.init.zeros_(output.bias)
    return nn.Sequential(*layers, output)


def parameter_count(network: nn.Module) -> int:
    """How many numbers training sets."""
    return sum(parameter.numel() for parameter in network.parameters())


@torch.no_grad()
def evaluation_logits(network: nn.Module, standardised: torch.Tensor) -> torch.Tensor:
    """Logits, (n, n_classes), in evaluation mode: dropout is off. The mode is put back."""
    was_training = network.training
    network.eval()
    try:
        logits: torch.Tensor = network(standardised)
    finally:
        network.train(was_training)
    return logits


def _initialise(linear: nn.Linear, activation: str) -> None:
    nn.init.zeros_(linear.bias)
    if activation in _GLOROT:
        nn.init.xavier_normal_(linear.weight)
    elif activation in _LECUN:
        nn.init.kaiming_normal_(linear.weight, nonlinearity="linear")
    else:
        nn.init.kaiming_normal_(linear.weight, nonlinearity="relu")
