"""The multilayer perceptron, and what dropout does to it."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from service.activations.function import evaluate
from service.activations.table import TABLE
from training.inputs import Inputs
from training.network import (
    ACTIVATIONS,
    Architecture,
    Perceptron,
    build_network,
    evaluation_logits,
    parameter_count,
)


def _build(
    n_features: int,
    hidden: tuple[int, ...],
    n_classes: int,
    activation: str,
    dropout: tuple[float, ...],
    **more: Any,
) -> Perceptron:
    return build_network(
        Architecture(n_features, (), hidden, n_classes, activation, dropout, **more)
    )


def _inputs(encoded: torch.Tensor) -> Inputs:
    return Inputs(encoded, torch.empty(len(encoded), 0, dtype=torch.long))


def test_default_network_is_the_textbooks() -> None:
    network = _build(128, (64,), 10, "relu", (0.5,))

    kinds = [type(module) for module in network.layers]
    assert kinds == [nn.Linear, nn.ReLU, nn.Dropout, nn.Linear]
    assert [tuple(p.shape) for p in network.parameters()] == [(64, 128), (64,), (10, 64), (10,)]
    assert network.layers[2].p == 0.5
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
    layers = _build(4, (512,), 2, "sigmoid", (p,)).train().layers
    hidden = layers[:2](torch.randn(8, 4))

    dropped = layers[2:3](hidden)

    survivors = dropped != 0
    assert survivors.float().mean().item() == pytest.approx(1 - p, abs=0.05)
    torch.testing.assert_close(dropped[survivors], hidden[survivors] / (1 - p))


def test_evaluation_mode_answers_the_same_twice_and_puts_the_mode_back() -> None:
    torch.manual_seed(0)
    network = _build(4, (32,), 3, "relu", (0.5,)).train()
    x = _inputs(torch.randn(8, 4))

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

    network = _build(400, (400,), 2, activation, (0.0,))

    weight = network.get_parameter("layers.0.weight")
    assert weight.var().item() * 400 == pytest.approx(variance, rel=0.02)
    assert not network.get_parameter("layers.0.bias").any()


def test_input_dropout_and_batch_normalisation_have_their_places() -> None:
    network = _build(4, (8,), 2, "relu", (0.3,), input_dropout=0.1, batch_normalisation=True)

    kinds = [type(module) for module in network.layers]
    assert kinds == [
        nn.Dropout, nn.Linear, nn.BatchNorm1d, nn.ReLU, nn.Dropout, nn.Linear,
    ]  # fmt: skip


def test_embeddings_stand_beside_the_encoded_columns() -> None:
    torch.manual_seed(0)
    network = build_network(Architecture(2, ((5, 3),), (8,), 2, "relu", (0.0,)))
    encoded, codes = torch.randn(6, 2), torch.tensor([[0], [1], [2], [3], [4], [1]])

    logits = evaluation_logits(network, Inputs(encoded, codes))

    joined = torch.cat([encoded, network.embeddings[0].weight[codes[:, 0]]], dim=1)
    assert torch.equal(logits, network.layers(joined).detach())
    assert not network.embeddings[0].weight[4].any()


def test_rows_are_evaluated_in_parts_of_a_bounded_size() -> None:
    torch.manual_seed(0)
    network = _build(3, (4,), 2, "relu", (0.5,))
    inputs = _inputs(torch.randn(20_000, 3))

    logits = evaluation_logits(network, inputs)

    assert logits.shape == (20_000, 2)
    alone = evaluation_logits(network, inputs[slice(19_990, 20_000)])
    torch.testing.assert_close(logits[-10:], alone)
