"""Score rows that were never trained on, with the runtime that serves."""

from collections.abc import Sequence

import numpy as np

from service.inference.features import Features, Floats
from service.inference.onnx_model import OnnxModel
from service.model_repository.manifest import Label, Scores
from training.metrics import score
from training.parts import row_parts
from training.tables.table import Indices

_ROWS_AT_ONCE = 8192


def evaluate(
    model: OnnxModel, features: Features, class_index: Indices, labels: Sequence[Label]
) -> Scores:
    """The scores of a graph on raw rows and their class indices, (n,)."""
    found = graph_probabilities(model, features, len(labels))
    return score(found, class_index, labels)


def graph_probabilities(model: OnnxModel, features: Features, n_classes: int) -> Floats:
    """What a graph says of n raw rows, (n, n_classes), a part of them at a time."""
    found = np.empty((len(features), n_classes), dtype=np.float32)
    for part in row_parts(len(features), n_classes, at_most=_ROWS_AT_ONCE):
        found[part] = model.probabilities(features[part])
    return found
