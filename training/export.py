"""From a fitted network to the bytes of model.onnx, proven to answer alike."""

import hashlib

import numpy as np
from onnx import helper

from service.inference.dates import iso_text
from service.inference.features import Features, from_cells, row_format
from service.inference.onnx_model import OnnxModel
from service.model_repository.manifest import Artifact, Golden, Parity
from service.model_repository.signature import Cell, Feature, Signature
from training.errors import ExportRefused
from training.feeding import feeding
from training.graph import OPSET, build_graph, require_evaluation_mode
from training.parts import row_parts
from training.trained import TrainedModel

LARGEST_DIFFERENCE = 1e-5
GOLDEN_ROWS = 16
_ROWS_AT_ONCE = 8192
_UNSEEN = "a category that is in no table"


def export(model: TrainedModel) -> bytes:
    """The self-contained model.onnx, which says itself how it is fed.

    Raises ExportRefused for a network in training mode.
    """
    graph = build_graph(model)
    require_evaluation_mode(graph)
    helper.set_model_props(graph, feeding(model))
    return bytes(graph.SerializeToString(deterministic=True))


def describe_artifact(artifact: bytes) -> Artifact:
    """Checksum and size, as the reader will verify them."""
    return Artifact(
        sha256=hashlib.sha256(artifact).hexdigest(), size_bytes=len(artifact), opset=OPSET
    )


def make_golden(model: TrainedModel, *, seed: int) -> Golden:
    """Made-up rows in the range of the training rows, with PyTorch's answers.

    Nobody's data are in them; and where a real column is constant these vary, so that every
    weight takes part in some answer. Of features that may be, some cells are missing, and some
    categories unseen.
    """
    generator = np.random.default_rng(seed)
    signature = model.signature
    rows = [
        tuple(
            _cell(feature, generator, gaps=_takes_gap(signature, feature))
            for feature in signature.features
        )
        for _ in range(GOLDEN_ROWS)
    ]
    probabilities = model.probabilities(from_cells(rows, row_format(signature)))
    return Golden(rows=tuple(rows), probabilities=tuple(map(tuple, probabilities.tolist())))


def _takes_gap(signature: Signature, feature: Feature) -> bool:
    return signature.accepts_missing and signature.may_be_missing(feature)


def _cell(feature: Feature, generator: np.random.Generator, *, gaps: bool) -> Cell:
    missing, unseen, place, spread = generator.random(4)
    if gaps and missing < 0.1:
        return None
    if feature.dtype == "string":
        categories = feature.categories or ()
        at = int(place * len(categories))
        return _UNSEEN if unseen < 0.1 or not categories else categories[at]
    assert feature.minimum is not None
    assert feature.maximum is not None
    # The sum of two uniform numbers lies in the middle of the range more often than at its ends.
    share = (place + spread) / 2
    low, high = feature.minimum, feature.maximum
    if feature.dtype == "date":
        days = low + share * (high - low or 1.0)
        return iso_text(days if low % 1 or high % 1 else float(round(days)))
    return float(f"{low + share * (high - low or 1.0):.6g}")


def check_parity(model: TrainedModel, opened: OnnxModel, features: Features) -> Parity:
    """Compare PyTorch with the artifact, as the service opens it, on every row.

    Raises ExportRefused for a probability more than LARGEST_DIFFERENCE off or another label.
    """
    difference, different = 0.0, 0
    for part in row_parts(len(features), len(model.labels), at_most=_ROWS_AT_ONCE):
        rows = features[part]
        expected = model.probabilities(rows)
        difference = max(difference, float(np.abs(expected - opened.probabilities(rows)).max()))
        named = [model.labels[i] for i in expected.argmax(axis=1)]
        different += sum(a != b for a, b in zip(named, opened.labels(rows), strict=True))
    if not difference <= LARGEST_DIFFERENCE or different:
        raise ExportRefused(
            f"ONNX Runtime does not answer as PyTorch does on {len(features)} test rows: "
            f"probabilities up to {difference:.3g} apart (expected at most "
            f"{LARGEST_DIFFERENCE:g}), {different} labels different"
        )
    return Parity(rows=len(features), largest_difference=difference, labels_different=different)
