"""Fitting: stops early, keeps the best, and says when it fails."""

import pytest
import torch
from torch import nn

from training.errors import Diverged
from training.fit import EpochRecord, Optimisation, Rows, fit
from training.network import build_network, evaluation_logits


def _optimisation(**changes: float) -> Optimisation:
    settings = {
        "epochs": 40,
        "batch_size": 16,
        "learning_rate": 0.05,
        "momentum": 0.9,
        "weight_decay": 0.0,
        "patience": 40,
        "seed": 0,
    }
    return Optimisation(**(settings | changes))  # type: ignore[arg-type]


def _rows(seed: int, count: int) -> Rows:
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(count, 4, generator=generator)
    return Rows(features, (features[:, 0] + features[:, 1] ** 2 > 0.5).long())


def _network(dropout: float = 0.5) -> nn.Sequential:
    torch.manual_seed(0)
    return build_network(
        n_features=4, hidden=(32,), n_classes=2, activation="relu", dropout=(dropout,)
    )


def _fit(network: nn.Sequential, how: Optimisation) -> list[EpochRecord]:
    return list(fit(network, _rows(1, 200), _rows(2, 100), how))


def test_best_epochs_weights_are_back_at_the_end() -> None:
    network = _network()
    validation = _rows(2, 100)

    records = _fit(network, _optimisation())

    best = [record for record in records if record.is_best][-1]
    logits = evaluation_logits(network, validation.features)
    loss = nn.functional.cross_entropy(logits, validation.class_index).item()
    assert loss == best.validation_loss == min(r.validation_loss for r in records)
    assert not network.training


def test_fit_ends_after_patience_epochs_without_a_lower_validation_loss() -> None:
    records = _fit(_network(), _optimisation(epochs=500, patience=7))

    best = [record for record in records if record.is_best][-1]
    assert len(records) < 500
    assert records[-1].epoch - best.epoch == 7


def test_training_loss_is_measured_without_dropout() -> None:
    network = _network(dropout=0.9)
    training = _rows(1, 200)

    record = _fit(network, _optimisation(epochs=1))[0]

    logits = evaluation_logits(network, training.features)
    loss = nn.functional.cross_entropy(logits, training.class_index).item()
    assert record.training_loss == loss


def test_same_seed_gives_the_same_weights() -> None:
    first, second = _network(), _network()

    torch.manual_seed(5)
    _fit(first, _optimisation())
    torch.manual_seed(5)
    _fit(second, _optimisation())

    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)


def test_weight_decay_shrinks_weights_and_leaves_biases() -> None:
    network = _network()
    first_weight, first_bias = network.get_parameter("0.weight"), network.get_parameter("0.bias")
    nn.init.ones_(first_bias)
    weight, bias = first_weight.detach().clone(), first_bias.detach().clone()
    # An output layer of zeros sends no gradient back: the penalty alone moves the weights.
    rows = Rows(torch.zeros(16, 4), torch.zeros(16, dtype=torch.long))
    nn.init.zeros_(network.get_parameter("3.weight"))

    list(fit(network, rows, rows, _optimisation(epochs=1, weight_decay=0.1, momentum=0)))

    torch.testing.assert_close(first_weight.detach(), weight * (1 - 0.05 * 0.1))
    torch.testing.assert_close(first_bias.detach(), bias)


def test_divergence_is_said_at_once_with_what_to_try() -> None:
    with pytest.raises(Diverged, match=r"learning rate of 1e\+30 is too large; try"):
        _fit(_network(), _optimisation(learning_rate=1e30))
