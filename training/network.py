"""The multilayer perceptron: Linear, activation, Dropout for each hidden layer, then Linear."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from training.inputs import Inputs
from training.parts import row_parts

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

_ROWS_AT_ONCE = 8192


@dataclass(frozen=True)
class Architecture:
    """A network's shape. `dropout` holds one rate a hidden layer; `embeddings` (categories, width).

    `n_encoded` counts the inputs beside the embeddings.
    """

    n_encoded: int
    embeddings: tuple[tuple[int, int], ...]
    hidden: tuple[int, ...]
    n_classes: int
    activation: str
    dropout: tuple[float, ...]
    input_dropout: float = 0.0
    batch_normalisation: bool = False

    @property
    def widths(self) -> tuple[int, ...]:
        """Units from the inputs, embeddings included, to the classes."""
        n_inputs = self.n_encoded + sum(width for _, width in self.embeddings)
        return (n_inputs, *self.hidden, self.n_classes)


class Perceptron(nn.Module):
    """Learned embeddings of the codes beside the encoded columns, then `layers` in sequence."""

    def __init__(self, embeddings: Sequence[nn.Embedding], layers: Sequence[nn.Module]) -> None:
        super().__init__()
        self._embeddings = nn.ModuleList(embeddings)
        self.layers = nn.Sequential(*layers)

    @property
    def embeddings(self) -> list[nn.Embedding]:
        """One table for each column of codes."""
        return [table for table in self._embeddings if isinstance(table, nn.Embedding)]

    @property
    def linears(self) -> list[nn.Linear]:
        """The affine layers, inputs first."""
        return [layer for layer in self.layers if isinstance(layer, nn.Linear)]

    @property
    def n_classes(self) -> int:
        """How many logits a row has."""
        return self.linears[-1].out_features

    def forward(self, inputs: Inputs) -> torch.Tensor:
        logits: torch.Tensor = self.layers(self.join(inputs))
        return logits

    def join(self, inputs: Inputs) -> torch.Tensor:
        """What the first layer takes: the encoded columns, and the embeddings of the codes."""
        embedded = [table(inputs.codes[:, i]) for i, table in enumerate(self.embeddings)]
        return torch.cat([inputs.encoded, *embedded], dim=1) if embedded else inputs.encoded


def build_network(shape: Architecture) -> Perceptron:
    """A freshly initialised network to logits, (n, n_classes); draws from torch's own generator."""
    layers: list[nn.Module] = []
    if shape.input_dropout > 0:
        layers.append(nn.Dropout(shape.input_dropout))
    *hidden, last = pairwise(shape.widths)
    for (fan_in, fan_out), rate in zip(hidden, shape.dropout, strict=True):
        linear = nn.Linear(fan_in, fan_out)
        _initialise(linear, shape.activation)
        layers.append(linear)
        if shape.batch_normalisation:
            layers.append(nn.BatchNorm1d(fan_out))
        layers += [ACTIVATIONS[shape.activation](), nn.Dropout(rate)]
    output = nn.Linear(*last)
    nn.init.xavier_normal_(output.weight)
    nn.init.zeros_(output.bias)
    return Perceptron([_embedding(*size) for size in shape.embeddings], [*layers, output])


def parameter_count(network: nn.Module) -> int:
    """How many numbers training sets."""
    return sum(parameter.numel() for parameter in network.parameters())


@torch.no_grad()
def evaluation_logits(network: Perceptron, inputs: Inputs) -> torch.Tensor:
    """Logits, (n, n_classes), in evaluation mode: dropout is off. The mode is put back."""
    was_training = network.training
    network.eval()
    try:
        # In parts, or the hidden layers of a large table would not fit in memory.
        parts = row_parts(len(inputs), network.n_classes, at_most=_ROWS_AT_ONCE)
        logits = torch.empty(len(inputs), network.n_classes, dtype=network.linears[-1].weight.dtype)
        for part in parts:
            logits[part] = network(inputs[part])
        return logits
    finally:
        network.train(was_training)


@torch.no_grad()
def hidden_values(network: Perceptron, inputs: Inputs) -> list[npt.NDArray[np.float32]]:
    """What every hidden layer of a network in evaluation mode answers, (n, units) each."""
    values = network.join(inputs)
    found = []
    for module in network.layers:
        values = module(values)
        if not isinstance(module, nn.Linear | nn.Dropout | nn.BatchNorm1d):
            found.append(values.numpy())
    return found


def _embedding(categories: int, width: int) -> nn.Embedding:
    table = nn.Embedding(categories, width)
    # As large as an encoded number, so that the first layer's initialisation fits both. The last
    # row is for what no training row has: it stays 0.
    nn.init.normal_(table.weight)
    with torch.no_grad():
        table.weight[-1] = 0
    return table


def _initialise(linear: nn.Linear, activation: str) -> None:
    nn.init.zeros_(linear.bias)
    if activation in _GLOROT:
        nn.init.xavier_normal_(linear.weight)
    elif activation in _LECUN:
        nn.init.kaiming_normal_(linear.weight, nonlinearity="linear")
    else:
        nn.init.kaiming_normal_(linear.weight, nonlinearity="relu")
