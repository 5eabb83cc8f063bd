"""Which epoch is the best so far, and when to stop waiting for a better one."""

import math
from dataclasses import dataclass

from training.config import Monitor


@dataclass(frozen=True)
class EpochRecord:
    """Losses (nats) and accuracies after one epoch, all in evaluation mode.

    `gradient_norms` are those of every linear layer's weight, inputs first, in the middle of the
    epoch.
    """

    epoch: int
    training_loss: float
    training_accuracy: float
    validation_loss: float
    validation_accuracy: float
    is_best: bool
    gradient_norms: tuple[float, ...] = ()


class EarlyStopping:
    """Best is the lowest validation loss, or with `monitor` the highest accuracy.

    Of equal accuracies the lower loss is the better.
    """

    def __init__(self, monitor: Monitor, patience: int) -> None:
        self._monitor, self._patience = monitor, patience
        self._best = (float("inf"), float("inf"))
        self.best_epoch = 0

    def is_best(self, epoch: int, loss: float, accuracy: float) -> bool:
        """Whether this epoch is better than every one before."""
        wrong = 1 - accuracy if self._monitor == "accuracy" else 0.0
        # A loss that is no number compares with nothing, and is never the best.
        if not math.isfinite(loss) or (wrong, loss) >= self._best:
            return False
        self._best, self.best_epoch = (wrong, loss), epoch
        return True

    def is_over(self, epoch: int) -> bool:
        """Whether `patience` epochs have brought nothing better."""
        return epoch - self.best_epoch >= self._patience


def follow(records: list[EpochRecord], stopping: EarlyStopping) -> None:
    """Bring early stopping to where these records of an earlier process left off."""
    for record in records:
        stopping.is_best(record.epoch, record.validation_loss, record.validation_accuracy)
