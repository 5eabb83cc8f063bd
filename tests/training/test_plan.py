"""Settings that depend on the table, and those that do not go together."""

import pytest

from training.config import RunConfig
from training.errors import ConfigInvalid
from training.plan import settled


def test_batch_normalisation_is_refused_where_a_step_takes_a_single_row() -> None:
    config = RunConfig(dataset="iris", batch_size=1, batch_normalisation=True)

    with pytest.raises(ConfigInvalid, match=r"--batch-size 1 .* --batch-normalisation.* 2 or more"):
        settled(config, 100)
