"""Which epoch is the best."""

import pytest

from training.config import Monitor
from training.fitting.early_stopping import EarlyStopping


@pytest.mark.parametrize("monitor", ["loss", "accuracy"])
@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_validation_loss_that_is_no_number_is_never_the_best(monitor: Monitor, loss: float) -> None:
    stopping = EarlyStopping(monitor, patience=2)

    assert not stopping.is_best(1, loss, 1.0)
    assert stopping.is_best(2, 0.5, 0.5)
    assert not stopping.is_best(3, loss, 1.0)
    assert stopping.best_epoch == 2
    assert stopping.is_over(4)
