"""Monte Carlo dropout with masks that were drawn once (Gal & Ghahramani 2016)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from training.inputs import Inputs
from training.network import Perceptron
from training.seeds import stream_seed

Floats = npt.NDArray[np.float32]
# Values of hidden layers in memory at a time.
_VALUES_AT_ONCE = 1 << 23


@dataclass(frozen=True)
class Masks:
    """`count` masks a dropout layer: per network and Dropout module (count, width), or None.

    What is kept is 1 / (1 - rate), as in training; a rate of 0 has no masks.
    """

    count: int
    values: tuple[tuple[Floats | None, ...], ...]


@dataclass(frozen=True)
class Spread:
    """What the masks say of n rows, in nats: see service's UncertaintyOutputs."""

    probabilities: Floats
    entropy: Floats
    mutual_information: Floats


def draw_masks(networks: Sequence[Perceptron], count: int, seed: int) -> Masks:
    """Draw the masks of every dropout layer of every network."""
    return Masks(
        count,
        tuple(
            tuple(
                _drawn(rate, width, count, stream_seed(seed, "masks", 0, member, place))
                for place, (rate, width) in enumerate(_dropouts(network))
            )
            for member, network in enumerate(networks)
        ),
    )


def _drawn(rate: float, width: int, count: int, seed: int) -> Floats | None:
    if rate == 0:
        return None
    kept = np.random.default_rng(seed).random((count, width)) >= rate
    return (kept / (1 - rate)).astype(np.float32)


def _dropouts(network: Perceptron) -> list[tuple[float, int]]:
    """Rate and width of every Dropout module, in the order of the layers."""
    width = network.linears[0].in_features
    found = []
    for module in network.layers:
        if isinstance(module, nn.Linear):
            width = module.out_features
        elif isinstance(module, nn.Dropout):
            found.append((module.p, width))
    return found


@torch.no_grad()
def spread(networks: Sequence[Perceptron], masks: Masks, inputs: Inputs) -> Spread:
    """Mean probabilities over masks and networks, (n, n_classes), and how far these disagree."""
    widest = max(linear.out_features for network in networks for linear in network.linears)
    at_once = max(1, _VALUES_AT_ONCE // (masks.count * widest))
    parts = [
        _spread_of(networks, masks, inputs[start : start + at_once])
        for start in range(0, len(inputs), at_once)
    ]
    return Spread(*(np.concatenate(found) for found in zip(*parts, strict=True)))


def _spread_of(
    networks: Sequence[Perceptron], masks: Masks, inputs: Inputs
) -> tuple[Floats, Floats, Floats]:
    members = [
        torch.softmax(_masked_logits(network, chosen, inputs), 2)
        for network, chosen in zip(networks, masks.values, strict=True)
    ]
    each = torch.cat(members, 1)
    mean = each.mean(1)
    entropy = torch.special.entr(mean).sum(1)
    information = (entropy - torch.special.entr(each).sum(2).mean(1)).clamp_(min=0)
    return mean.numpy(), entropy.numpy(), information.numpy()


def _masked_logits(
    network: Perceptron, masks: Sequence[Floats | None], inputs: Inputs
) -> torch.Tensor:
    """(n, masks, n_classes), or (n, 1, n_classes) of a network without dropout."""
    values = network.join(inputs).unsqueeze(1)
    left = iter(masks)
    for module in network.layers:
        if isinstance(module, nn.Dropout):
            mask = next(left)
            if mask is not None:
                values = values * torch.from_numpy(mask)
        elif isinstance(module, nn.BatchNorm1d):
            values = module(values.flatten(0, 1)).view(values.shape)
        else:
            values = module(values)
    return values
