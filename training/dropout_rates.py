"""The dropout rates of a network, layer by layer."""

from training.config import RunConfig


def rates(config: RunConfig) -> tuple[float, ...]:
    """The dropout rate of each hidden layer."""
    layers = len(config.hidden)
    return config.dropout * layers if len(config.dropout) == 1 else config.dropout
