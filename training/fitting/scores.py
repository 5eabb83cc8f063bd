"""How well a network does on rows, in evaluation mode."""

from torch import nn

from training.inputs import Rows
from training.network import Perceptron, evaluation_logits


def measure(network: Perceptron, rows: Rows) -> tuple[float, float]:
    """Mean cross-entropy in nats and accuracy, both in evaluation mode."""
    logits = evaluation_logits(network, rows.inputs)
    loss = nn.functional.cross_entropy(logits, rows.class_index).item()
    accuracy = (logits.argmax(dim=1) == rows.class_index).float().mean().item()
    return loss, accuracy
