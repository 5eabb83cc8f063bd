"""From a fitted network to the bytes of model.onnx, proven to answer alike."""

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from service.inference.onnx_model import OnnxModel
from service.model_repository.manifest import Artifact, Golden, Parity
from training.errors import ExportRefused
from training.graph import OPSET, build_graph, require_evaluation_mode
from training.network import evaluation_logits
from training.preprocess import Standardisation

Floats = npt.NDArray[np.float32]

LARGEST_DIFFERENCE = 1e-5
GOLDEN_ROWS = 16


@dataclass(frozen=True)
class TrainedModel:
    """A fitted network with the preprocessing that it was fitted behind."""

    network: nn.Sequential
    standardisation: Standardisation
    labels: tuple[int | str, ...]

    def probabilities(self, features: Floats) -> Floats:
        """PyTorch's evaluation-mode probabilities, (n, n_classes), for (n, n_features)."""
        logits = evaluation_logits(self.network, self.standardisation.apply(features))
        return np.asarray(torch.softmax(logits, dim=1).numpy())


def export(model: TrainedModel) -> bytes:
    """The self-contained model.onnx. Raises ExportRefused for a network in training mode."""
    graph = build_graph(model.network, model.standardisation, model.labels)
    require_evaluation_mode(graph)
    return bytes(graph.SerializeToString(deterministic=True))


def describe_artifact(artifact: bytes) -> Artifact:
    """Checksum and size, as the reader will verify them."""
    return Artifact(
        sha256=hashlib.sha256(artifact).hexdigest(), size_bytes=len(artifact), opset=OPSET
    )


def make_golden(model: TrainedModel, *, seed: int) -> Golden:
    """Made-up rows in the range of the training rows, with PyTorch's answers.

    Nobody's data are in them; and where a real column is constant these vary, so that every
    weight takes part in some answer.
    """
    generator = np.random.default_rng(seed)
    n_features = len(model.standardisation.mean)
    spread = generator.standard_normal((GOLDEN_ROWS, n_features))
    rows = model.standardisation.mean + spread / model.standardisation.inverse_scale
    features = np.array([[float(f"{x:.6g}") for x in row] for row in rows])
    probabilities = model.probabilities(features.astype(np.float32))
    return Golden(
        features=tuple(map(tuple, features.tolist())),
        probabilities=tuple(map(tuple, probabilities.tolist())),
    )


def check_parity(model: TrainedModel, opened: OnnxModel, features: Floats) -> Parity:
    """Compare PyTorch with the artifact, as the service opens it, on every row.

    Raises ExportRefused for a probability more than LARGEST_DIFFERENCE off or another label.
    """
    expected = model.probabilities(features)
    difference = float(np.abs(expected - opened.probabilities(features)).max())
    named = [model.labels[i] for i in expected.argmax(axis=1)]
    different = sum(a != b for a, b in zip(named, opened.labels(features), strict=True))
    if not difference <= LARGEST_DIFFERENCE or different:
        raise ExportRefused(
            f"ONNX Runtime does not answer as PyTorch does on {len(features)} test rows: "
            f"probabilities up to {difference:.3g} apart (expected at most "
            f"{LARGEST_DIFFERENCE:g}), {different} labels different"
        )
    return Parity(rows=len(features), largest_difference=difference, labels_different=different)
