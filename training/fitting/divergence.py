"""When a fit has gone wrong for good."""

import math

# A network that has learned nothing has a loss of about ln(n_classes); a fresh one, whose logits
# have a variance of one or two, hardly twice that. Training only ever lowers the training loss.
_TIMES_GUESSING = 3.0


def is_diverged(training_loss: float, n_classes: int) -> bool:
    """Whether the loss on training rows is no number, or far above that of guessing."""
    return not training_loss <= 1 + _TIMES_GUESSING * math.log(n_classes)


def has_gone_wrong(training_loss: float, validation_loss: float, n_classes: int) -> bool:
    """Whether the training has diverged, or the loss on validation rows is no number."""
    return is_diverged(training_loss, n_classes) or not math.isfinite(validation_loss)


def unmeasured_sentence(epoch: int, learning_rate: float) -> str:
    """What to tell of a network that answers validation rows with what is no number."""
    return (
        f"the validation loss is not a number in epoch {epoch}, though the training loss is: "
        f"either the learning rate of {learning_rate:g} is too large (try --learning-rate "
        f"{learning_rate / 10:g}), or validation rows hold numbers far beyond those of training"
    )


def diverged_sentence(epoch: int, training_loss: float, learning_rate: float) -> str:
    """What to tell of a fit that went wrong."""
    found = (
        f"has grown to {training_loss:.3g}" if math.isfinite(training_loss) else "is not a number"
    )
    return (
        f"the training loss {found} in epoch {epoch}: the learning rate of {learning_rate:g} is "
        f"too large; try --learning-rate {learning_rate / 10:g}"
    )
