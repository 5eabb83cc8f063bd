"""The multilayer perceptron, and what dropout does to it."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from service.activations.function import evaluate
from service.activations.table import TABLE
from training.network import ACTIVATIONS, build_network, evaluation_logits, parameter_count


def test_default_network_is_the_textbooks() -> None:
    network = build_network(
        n_features=128, hidden=(64,), n_classes=10, activation="relu", dropout=(0.5,)
    )

    kinds = [type(module) for module in network]
    assert kinds == [nn.Linear, nn.ReLU, nn.Dropout, nn.Linear]
    assert [tuple(p.shape) for p in network.parameters()] == [(64, 128), (64,), (10, 64), (10,)]
    assert network[2].p == 0.5
    assert parameter_count(network) == 8906


def test_dropout_in_training_mode_keeps_the_expectation() -> None:
    p, draws = 0.5, 20_000
    torch.manual_seed(0)
    dropout = nn.Dropout(p).train()
    h = torch.tensor([1.0, -2.0, 0.5])

    mean = torch.stack([dropout(h) for _ in range(draws)]).mean(dim=0)

    deviation = h.abs() * math.sqrt(p / (1 - p) / draws)
    assert ((mean - h).abs() <= 5 * deviation).all()


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_units_that_survive_dropout_are_scaled_up(p: float) -> None:
    torch.manual_seed(0)
    network = build_network(
        n_features=4, hidden=(512,), n_classes=2, activation="sigmoid", dropout=(p,)
    ).train()
    hidden = network[:2](torch.randn(8, 4))

    dropped = network[2:3](hidden)

    survivors = dropped != 0
    assert survivors.float().mean().item() == pytest.approx(1 - p, abs=0.05)
    torch.testing.assert_close(dropped[survivors], hidden[survivors] / (1 - p))


def test_evaluation_mode_answers_the_same_twice_and_puts_the_mode_back() -> None:
    torch.manual_seed(0)
    network = build_network(
        n_features=4, hidden=(32,), n_classes=3, activation="relu", dropout=(0.5,)
    ).train()
    x = torch.randn(8, 4)

    first, second = evaluation_logits(network, x), evaluation_logits(network, x)

    assert torch.equal(first, second)
    assert not torch.equal(network(x), network(x))


def test_every_activation_function_of_the_table_can_be_trained() -> None:
    assert list(ACTIVATIONS) == list(TABLE)


KINKS = {"relu6": (0.0, 6.0), "hardsigmoid": (-3.0, 3.0), "hardswish": (-3.0, 3.0)}
KINKS |= {"hardtanh": (-1.0, 1.0), "softshrink": (-0.5, 0.5), "hardshrink": (-0.5, 0.5)}


@pytest.mark.parametrize("name", list(TABLE))
def test_service_and_pytorch_agree_on_activation_functions_kinks_included(name: str) -> None:
    points = [-30.0, -5.0, -2.9, -1.2, -0.4, 0.0, 0.3, 1.0, 2.9, 4.0, 12.0, *KINKS.get(name, ())]
    x = torch.tensor(points, dtype=torch.float64, requires_grad=True)
    module = ACTIVATIONS[name]().double()

    y = module(x)
    (derivative,) = torch.autograd.grad(y.sum(), x)
    ours = evaluate(TABLE[name], np.array(points), {})

    # PyTorch's own double-precision hardsigmoid has a slope of 1/6 rounded to single precision.
    rtol = 1e-7 if name == "hardsigmoid" else 1e-9
    np.testing.assert_allclose(ours.y, y.detach().numpy(), rtol=rtol, atol=1e-14)
    np.testing.assert_allclose(ours.derivative, derivative.numpy(), rtol=rtol, atol=1e-14)


@pytest.mark.parametrize(
    ("activation", "variance"),
    [("relu", 2.0), ("tanh", 1.0), ("selu", 1.0)],
    ids=["he", "glorot", "lecun"],
)
def test_initial_weights_suit_the_activation_function(activation: str, variance: float) -> None:
    torch.manual_seed(0)

    network = build_network(
        n_features=400, hidden=(400,), n_classes=2, activation=activation, dropout=(0.0,)
    )

    assert network.get_parameter("0.weight").var().item() * 400 == pytest.approx(variance, rel=0.02)
    assert not network.get_parameter("0.bias").any()
