"""How well a network does on rows, in evaluation mode."""

from torch import nn

from training.inputs import Rows
from training.network import Perceptron, evaluation_logits
from training.parts import row_parts


def measure(network: Perceptron, rows: Rows) -> tuple[float, float]:
    """Mean cross-entropy in nats and accuracy, both in evaluation mode."""
    loss = accuracy = 0.0
    for part in row_parts(len(rows), network.n_classes):
        some = rows[part]
        share = len(some) / max(1, len(rows))
        logits = evaluation_logits(network, some.inputs)
        loss += share * nn.functional.cross_entropy(logits, some.class_index).item()
        accuracy += share * (logits.argmax(dim=1) == some.class_index).float().mean().item()
    return loss, accuracy
