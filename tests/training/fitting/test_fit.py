"""Fitting: stops early, keeps the best, and says when it fails."""

from typing import Any

import pytest
import torch
from torch import nn

from training.errors import Diverged
from training.fitting.batches import InMemory
from training.fitting.early_stopping import EpochRecord
from training.fitting.fit import fit
from training.fitting.trainer import Optimisation
from training.inputs import Inputs, Rows
from training.network import Architecture, Perceptron, build_network, evaluation_logits


def _optimisation(**changes: Any) -> Optimisation:
    settings = {
        "epochs": 40,
        "batch_size": 16,
        "optimiser": "sgd",
        "learning_rate": 0.05,
        "schedule": "constant",
        "momentum": 0.9,
        "weight_decay": 0.0,
        "dtype": torch.float32,
        "monitor": "loss",
        "patience": 40,
        "seed": 0,
    }
    return Optimisation(**(settings | changes))  # type: ignore[arg-type]


def _rows(seed: int, count: int) -> Rows:
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(count, 4, generator=generator)
    class_index = (features[:, 0] + features[:, 1] ** 2 > 0.5).long()
    return Rows(Inputs(features, torch.empty(count, 0, dtype=torch.long)), class_index)


def _network(dropout: float = 0.5) -> Perceptron:
    torch.manual_seed(0)
    return build_network(Architecture(4, (), (32,), 2, "relu", (dropout,)))


def _fit(network: Perceptron, how: Optimisation, training: Rows | None = None) -> list[EpochRecord]:
    rows = _rows(1, 200) if training is None else training
    batches = InMemory(rows, batch_size=how.batch_size, dtype=how.dtype, seed=how.seed)
    return list(fit(network, batches, rows, _rows(2, 100), how))


def test_best_epochs_weights_are_back_at_the_end() -> None:
    network = _network()
    validation = _rows(2, 100)

    records = _fit(network, _optimisation())

    best = [record for record in records if record.is_best][-1]
    logits = evaluation_logits(network, validation.inputs)
    loss = nn.functional.cross_entropy(logits, validation.class_index).item()
    assert loss == best.validation_loss == min(r.validation_loss for r in records)
    assert not network.training


def test_best_epoch_by_accuracy_has_the_highest_and_of_equal_ones_the_lowest_loss() -> None:
    records = _fit(_network(), _optimisation(monitor="accuracy"))

    best = [record for record in records if record.is_best][-1]
    highest = max(r.validation_accuracy for r in records)
    assert best.validation_accuracy == highest
    assert best.validation_loss == min(
        r.validation_loss for r in records if r.validation_accuracy == highest
    )


def test_fit_ends_after_patience_epochs_without_a_lower_validation_loss() -> None:
    records = _fit(_network(), _optimisation(epochs=500, patience=7))

    best = [record for record in records if record.is_best][-1]
    assert len(records) < 500
    assert records[-1].epoch - best.epoch == 7


def test_training_loss_is_measured_without_dropout() -> None:
    network = _network(dropout=0.9)
    training = _rows(1, 200)

    record = _fit(network, _optimisation(epochs=1))[0]

    logits = evaluation_logits(network, training.inputs)
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
    first_weight = network.get_parameter("layers.0.weight")
    first_bias = network.get_parameter("layers.0.bias")
    nn.init.ones_(first_bias)
    weight, bias = first_weight.detach().clone(), first_bias.detach().clone()
    # An output layer of zeros sends no gradient back: the penalty alone moves the weights.
    nothing = Inputs(torch.zeros(16, 4), torch.empty(16, 0, dtype=torch.long))
    rows = Rows(nothing, torch.zeros(16, dtype=torch.long))
    nn.init.zeros_(network.get_parameter("layers.3.weight"))

    _fit(network, _optimisation(epochs=1, weight_decay=0.1, momentum=0), rows)

    torch.testing.assert_close(first_weight.detach(), weight * (1 - 0.05 * 0.1))
    torch.testing.assert_close(first_bias.detach(), bias)


def test_divergence_is_said_at_once_with_what_to_try() -> None:
    with pytest.raises(Diverged, match=r"learning rate of 1e\+30 is too large; try"):
        _fit(_network(), _optimisation(learning_rate=1e30))


@pytest.mark.parametrize("optimiser", ["sgd", "adamw"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_every_optimiser_and_precision_learns(optimiser: str, dtype: torch.dtype) -> None:
    rate = 0.05 if optimiser == "sgd" else 0.01

    records = _fit(
        _network(dropout=0.1),
        _optimisation(optimiser=optimiser, dtype=dtype, learning_rate=rate, schedule="cosine"),
    )

    assert max(record.validation_accuracy for record in records) >= 0.9


def test_last_batch_of_a_single_row_is_left_out() -> None:
    batches = InMemory(_rows(1, 33), batch_size=16, dtype=torch.float32, seed=0)

    assert [len(batch) for batch in batches.epoch(1)] == [16, 16]


def test_every_row_is_in_one_batch_of_an_epoch_and_epochs_differ() -> None:
    rows = _rows(1, 40)
    batches = InMemory(rows, batch_size=16, dtype=torch.float32, seed=0)

    first, second = (
        torch.cat([batch.inputs.encoded.clone() for batch in batches.epoch(number)])
        for number in (1, 2)
    )

    assert sorted(first.tolist()) == sorted(rows.inputs.encoded.tolist())
    assert not torch.equal(first, second)


def test_validation_loss_that_is_no_number_ends_the_fit_in_a_sentence() -> None:
    how, rows, validation = _optimisation(epochs=3), _rows(1, 200), _rows(2, 100)
    validation.inputs.encoded[0] = float("inf")
    batches = InMemory(rows, batch_size=how.batch_size, dtype=how.dtype, seed=how.seed)

    with pytest.raises(Diverged, match="the validation loss is not a number in epoch 1, though"):
        list(fit(_network(), batches, rows, validation, how))
