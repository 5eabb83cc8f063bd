"""Optimiser steps are PyTorch's own."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch

from training.fitting.optimiser import SGD, AdamW, scheduled
from training.fitting.parameters import FlatParameters
from training.network import Architecture, build_network

RATE, DECAY = 0.1, 0.01


def _groups(network: torch.nn.Module) -> list[dict[str, Any]]:
    parameters = list(network.parameters())
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": DECAY},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (
            lambda flat: SGD(flat, momentum=0.9, weight_decay=DECAY),
            lambda groups: torch.optim.SGD(groups, lr=RATE, momentum=0.9),
        ),
        (
            lambda flat: SGD(flat, momentum=0.0, weight_decay=DECAY),
            lambda groups: torch.optim.SGD(groups, lr=RATE),
        ),
        (
            lambda flat: AdamW(flat, betas=(0.9, 0.95), weight_decay=DECAY),
            lambda groups: torch.optim.AdamW(groups, lr=RATE, betas=(0.9, 0.95)),
        ),
    ],
    ids=["sgd with momentum", "sgd", "adamw"],
)
def test_steps_are_those_of_torch_optim(
    ours: Callable[[FlatParameters], SGD | AdamW],
    theirs: Callable[[list[dict[str, Any]]], torch.optim.Optimizer],
) -> None:
    shape = Architecture(5, ((4, 3),), (7,), 3, "prelu", (0.5,))
    torch.manual_seed(0)
    network = build_network(shape)
    torch.manual_seed(0)
    reference = build_network(shape)
    flat = FlatParameters(network)
    mine, torchs = ours(flat), theirs(_groups(reference))

    for _ in range(4):
        for parameter, other in zip(network.parameters(), reference.parameters(), strict=True):
            gradient = torch.randn_like(parameter)
            flat.view(flat.gradient, parameter).copy_(gradient)
            other.grad = gradient
        mine.step(RATE)
        torchs.step()

    for parameter, other in zip(network.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(parameter, other)


def test_cosine_falls_from_the_rate_to_0() -> None:
    rates = [scheduled("cosine", 0.2, progress) for progress in (0.0, 0.25, 0.5, 1.0)]

    assert rates == pytest.approx([0.2, 0.1 * (1 + math.sqrt(0.5)), 0.1, 0.0])
    assert scheduled("constant", 0.2, 0.7) == 0.2
