"""Prediction sets: which labels stay possible at a coverage."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from service.inference.features import Floats
from service.model_repository.provenance import COVERAGE_PERCENTS, Calibration


@dataclass(frozen=True)
class PredictionSets:
    """The labels that are at least as probable as `threshold`: one number, or one a class.

    With `hold_first` the most probable label is always among them, so that no set is empty.
    """

    threshold: float | Floats
    hold_first: bool

    def members(
        self, probabilities: Floats, class_index: npt.NDArray[np.integer]
    ) -> npt.NDArray[np.bool_]:
        """Which labels are in the set of each row, (n, n_classes).

        `class_index`, (n,), is the most probable class of each row.
        """
        inside = np.asarray(probabilities >= self.threshold)
        if self.hold_first:
            inside[np.arange(len(inside)), class_index] = True
        return inside


def sets_at(calibration: Calibration, percent: int, *, hold_first: bool) -> PredictionSets:
    """The sets that hold the true label for `percent` of rows; see Calibration."""
    thresholds = calibration.first_thresholds if hold_first else calibration.thresholds
    return PredictionSets(thresholds[percent - COVERAGE_PERCENTS[0]], hold_first)


def class_sets_at(calibration: Calibration, percent: int) -> PredictionSets:
    """The sets that hold the true label for at least `percent` of the rows of every class.

    Of the percents that the calibration has, the lowest that is not below `percent`.
    """
    place = next(i for i, known in enumerate(calibration.class_percents) if known >= percent)
    thresholds = np.asarray(calibration.class_thresholds[place], dtype=np.float32)
    return PredictionSets(thresholds, hold_first=True)
