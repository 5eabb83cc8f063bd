"""Score rows that were never trained on, with the runtime that serves."""

from collections.abc import Sequence

from service.inference.onnx_model import OnnxModel
from service.model_repository.manifest import Label, Scores
from training.metrics import score
from training.table import Floats, Indices


def evaluate(
    model: OnnxModel, features: Floats, class_index: Indices, labels: Sequence[Label]
) -> Scores:
    """The scores of a graph on features (n, n_features) and class indices (n,)."""
    return score(model.probabilities(features), class_index, labels)
