"""What a report is drawn from, beside the manifest."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from service.model_repository.manifest import Manifest
from training.worth import UncertaintyEvidence

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Evidence:
    """`probabilities` (n, n_classes) and `class_index` (n,) are of test rows, or of some of them.

    `weights` holds one matrix a linear layer, `hidden` (m, units) a hidden layer: its values on
    up to 2,000 of the test rows. Of an ensemble they are its first member's.
    """

    manifest: Manifest
    probabilities: Floats
    class_index: npt.NDArray[np.int64]
    weights: tuple[Floats, ...]
    hidden: tuple[Floats, ...]
    uncertainty: UncertaintyEvidence | None = None

    @property
    def rows_drawn(self) -> str:
        """What the pictures show, in words: the test rows, or so many of them."""
        drawn, every = len(self.class_index), self.manifest.scores.test.rows
        return f"{drawn:,} of {every:,} test rows" if drawn < every else "test rows"
