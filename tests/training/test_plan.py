"""Settings that depend on the table, and those that do not go together."""

import pytest

from training.config import Optimiser, RunConfig
from training.errors import ConfigInvalid
from training.plan import settled


def test_batch_normalisation_is_refused_where_a_step_takes_a_single_row() -> None:
    config = RunConfig(dataset="iris", batch_size=1, batch_normalisation=True)

    with pytest.raises(ConfigInvalid, match=r"--batch-size 1 .* --batch-normalisation.* 2 or more"):
        settled(config, 100)


def test_one_dropout_rate_is_for_every_hidden_layer() -> None:
    config = settled(RunConfig(hidden=(8, 8, 8), dropout=(0.2,)), 100)

    assert config.dropout == (0.2, 0.2, 0.2)


@pytest.mark.parametrize(("optimiser", "rate"), [("sgd", 0.02), ("adamw", 0.001)])
def test_default_learning_rate_suits_the_optimiser(optimiser: Optimiser, rate: float) -> None:
    assert settled(RunConfig(optimiser=optimiser), 100).learning_rate == rate
