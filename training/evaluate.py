"""Score rows that were never trained on, with the runtime that serves."""

from collections.abc import Sequence

import numpy as np

from service.inference.features import Features, Floats
from service.inference.onnx_model import OnnxModel
from service.model_repository.manifest import Label, Scores
from training.metrics import score
from training.tables.table import Indices

_ROWS_AT_ONCE = 8192


def evaluate(
    model: OnnxModel, features: Features, class_index: Indices, labels: Sequence[Label]
) -> Scores:
    """The scores of a graph on raw rows and their class indices, (n,)."""
    return score(graph_probabilities(model, features), class_index, labels)


def graph_probabilities(model: OnnxModel, features: Features) -> Floats:
    """What a graph says of n raw rows, (n, n_classes), a part of them at a time."""
    starts = range(0, len(features), _ROWS_AT_ONCE)
    return np.concatenate([model.probabilities(features[i : i + _ROWS_AT_ONCE]) for i in starts])
