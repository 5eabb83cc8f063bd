"""What a report is drawn from, beside the manifest."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from service.model_repository.manifest import Manifest
from training.worth import UncertaintyEvidence

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Evidence:
    """`probabilities` (n, n_classes) and `class_index` (n,) are of test rows.

    `weights` holds one matrix a linear layer, `hidden` (m, units) a hidden layer: its values on
    up to 2,000 of the test rows. Of an ensemble they are its first member's.
    """

    manifest: Manifest
    probabilities: Floats
    class_index: npt.NDArray[np.int64]
    weights: tuple[Floats, ...]
    hidden: tuple[Floats, ...]
    uncertainty: UncertaintyEvidence | None = None
