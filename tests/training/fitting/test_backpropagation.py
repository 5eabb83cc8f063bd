"""Every gradient that is written out is autograd's."""

from typing import Any

import pytest
import torch
from torch import nn

from training.fitting.backpropagation import Backpropagation
from training.fitting.layers import Dropout
from training.fitting.parameters import FlatParameters
from training.inputs import Inputs
from training.network import ACTIVATIONS, Architecture, Perceptron, build_network

ROWS = 24


def _architecture(**changed: Any) -> Architecture:
    settings: dict[str, Any] = {
        "n_encoded": 7,
        "embeddings": (),
        "hidden": (33, 12),
        "n_classes": 4,
        "activation": "relu",
        "dropout": (0.3, 0.5),
        **changed,
    }
    return Architecture(**settings)


def _rows(shape: Architecture) -> tuple[Inputs, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    codes = [
        torch.randint(0, categories, (ROWS,), generator=generator)
        for categories, _ in shape.embeddings
    ]
    encoded = torch.randn(ROWS, shape.n_encoded, generator=generator)
    stacked = torch.stack(codes, 1) if codes else torch.empty(ROWS, 0, dtype=torch.int64)
    return Inputs(encoded, stacked), torch.randint(0, 4, (ROWS,), generator=generator)


class _SameMask(nn.Module):
    """Dropout as PyTorch has it, with the mask that the written-out pass has just used."""

    def __init__(self, dropout: Dropout) -> None:
        super().__init__()
        self._kept = (dropout.noise[:ROWS].float() >= dropout._levels).float() * dropout.scale

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self._kept


def _written_out(
    network: Perceptron, shape: Architecture, dtype: torch.dtype = torch.float32
) -> tuple[FlatParameters, Backpropagation]:
    flat = FlatParameters(network, dtype)
    step = Backpropagation(
        network,
        flat,
        batch_size=ROWS + 5,
        seed=5,
    )
    step.gradient(*_rows(shape))
    # As an optimiser asks for it.
    for chunk in flat.chunks():
        chunk.gradient()
    return flat, step


def _by_autograd(network: Perceptron, step: Backpropagation, shape: Architecture) -> None:
    masks = [block._dropout for block in step._hidden]
    if step._input_dropout is not None:
        masks.insert(0, step._input_dropout)
    layers = iter(masks)
    for i, module in enumerate(network.layers):
        if isinstance(module, nn.Dropout):
            mask = next(layers)
            network.layers[i] = nn.Identity() if mask is None else _SameMask(mask)
    inputs, class_index = _rows(shape)
    loss = nn.functional.cross_entropy(network(inputs), class_index)
    torch.autograd.backward(loss)


def _assert_equal_gradients(network: Perceptron, flat: FlatParameters, tolerance: float) -> None:
    # One scale for all: a bias before batch normalisation has no gradient but rounding.
    gradients = [p.grad for p in network.parameters() if p.grad is not None]
    scale = max(gradient.abs().max().item() for gradient in gradients)
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None
        found = flat.view(flat.gradient, parameter)
        difference = (found - parameter.grad).abs().max().item()
        assert difference <= tolerance * scale, name


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"dropout": (0.0, 0.0)},
        {"input_dropout": 0.2},
        {"batch_normalisation": True},
        {"embeddings": ((5, 3), (9, 2))},
        {"embeddings": ((5, 3),), "input_dropout": 0.1, "batch_normalisation": True},
        {"hidden": (6,), "dropout": (0.5,)},
    ],
    ids=str,
)
def test_every_gradient_is_autograds(changed: dict[str, Any]) -> None:
    shape = _architecture(**changed)
    torch.manual_seed(1)
    network = build_network(shape)
    flat, step = _written_out(network, shape)
    _by_autograd(network, step, shape)
    _assert_equal_gradients(network, flat, 1e-5)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_has_autograds_gradients(activation: str) -> None:
    shape = _architecture(activation=activation)
    torch.manual_seed(1)
    network = build_network(shape)
    flat, step = _written_out(network, shape)
    _by_autograd(network, step, shape)
    _assert_equal_gradients(network, flat, 1e-5)


def test_bfloat16_stays_within_its_rounding_of_autograd() -> None:
    shape = _architecture(input_dropout=0.1, batch_normalisation=True)
    torch.manual_seed(1)
    network = build_network(shape)
    flat, step = _written_out(network, shape, torch.bfloat16)
    _by_autograd(network, step, shape)
    _assert_equal_gradients(network, flat, 0.05)


def test_the_parameters_of_the_network_are_those_that_the_optimiser_moves() -> None:
    network = build_network(_architecture())
    before = [parameter.detach().clone() for parameter in network.parameters()]
    flat = FlatParameters(network)
    assert all(torch.equal(a, b) for a, b in zip(before, list(network.parameters()), strict=True))
    flat.values.add_(1.0)
    for old, new in zip(before, network.parameters(), strict=True):
        assert torch.equal(old + 1.0, new)
