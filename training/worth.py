"""What the uncertainty of dropout is worth on test rows."""

from dataclasses import dataclass

import numpy as np

from service.inference.features import Features, Floats
from service.model_repository.provenance import Uncertainty
from training.tables.table import Indices
from training.trained import TrainedModel

_FIFTHS = 5
_MOST_ROWS = 5000


@dataclass(frozen=True)
class UncertaintyEvidence:
    """Per test row: entropy (nats), whether the prediction is wrong, mutual information (nats).

    `mutual_information_shuffled` is of the same rows with every column shuffled: cells that
    occur, in combinations that mostly do not. They stand for rows of another kind.
    """

    entropy: Floats
    is_wrong: np.ndarray
    mutual_information: Floats
    mutual_information_shuffled: Floats


def uncertainty_evidence(
    model: TrainedModel, features: Features, class_index: Indices
) -> UncertaintyEvidence | None:
    """Of a model with dropout masks, on up to 5,000 of these rows."""
    if model.masks is None:
        return None
    rows = slice(None, None, -(-len(features) // _MOST_ROWS))
    features, class_index = features[rows], class_index[rows]
    known, other = model.spread(features), model.spread(_shuffled(features))
    return UncertaintyEvidence(
        entropy=known.entropy,
        is_wrong=model.probabilities(features).argmax(axis=1) != class_index,
        mutual_information=known.mutual_information,
        mutual_information_shuffled=other.mutual_information,
    )


def worth_of(evidence: UncertaintyEvidence, masks: int) -> Uncertainty:
    """The evidence in a few numbers."""
    order = np.argsort(evidence.entropy, kind="stable")
    fifths = np.array_split(evidence.is_wrong[order], _FIFTHS)
    return Uncertainty(
        masks=masks,
        rows=len(order),
        error_by_quintile=tuple(float(part.mean()) if len(part) else 0.0 for part in fifths),
        separation=_area_under_curve(
            evidence.mutual_information_shuffled, evidence.mutual_information
        ),
    )


def _area_under_curve(higher: Floats, lower: Floats) -> float:
    """The probability that one of `higher` is above one of `lower`; a tie counts a half."""
    ordered = np.sort(lower)
    below = np.searchsorted(ordered, higher, side="left")
    up_to = np.searchsorted(ordered, higher, side="right")
    return float((below + up_to).mean() / (2 * len(lower)))


def _shuffled(features: Features) -> Features:
    generator = np.random.default_rng(0)
    return Features(
        generator.permuted(features.numeric, axis=0),
        generator.permuted(features.categorical, axis=0),
    )
