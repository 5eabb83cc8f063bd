"""What is known to be doubtful about settings before the first epoch."""

from collections.abc import Iterator

from service.model_repository.provenance import Finding
from training.config import RunConfig
from training.dropout_rates import rates

# Units that dropout leaves of a layer: fewer than these can hardly stand in for each other.
_FEWEST_KEPT = 8


def doubtful_settings(config: RunConfig) -> Iterator[Finding]:
    """What is known of the settings before the first epoch."""
    pairs = zip(config.hidden, rates(config), strict=True)
    small = [
        (width, rate) for width, rate in pairs if rate > 0 and width * (1 - rate) < _FEWEST_KEPT
    ]
    for width, rate in small[:1]:
        yield Finding(
            name="too small for dropout",
            sentence=f"dropout of {rate:g} leaves {width * (1 - rate):g} of {width} hidden units a "
            "step: too few to stand in for each other, so it costs accuracy and prevents nothing",
            numbers={"units": width, "rate": rate, "units_kept": width * (1 - rate)},
            advice=("--dropout 0", f"--hidden {max(32, 4 * width)}"),
        )
    if config.batch_normalisation and max(config.dropout) > 0:
        yield Finding(
            name="dropout with batch normalisation",
            sentence="dropout changes the variance of what follows it in training but not "
            "afterwards, and batch normalisation keeps the variance of training: the two disagree "
            "(Li et al. 2019)",
            numbers={"rate": max(config.dropout)},
            advice=("--dropout 0", "--no-batch-normalisation"),
        )
