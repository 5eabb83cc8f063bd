"""The split of a streamed table: a row's part is a function of the seed and its number."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

TRAINING, VALIDATION, TEST = 0, 1, 2

RowNumbers = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Parts:
    """Shares of all rows that are set apart, and the seed that says which."""

    validation_share: float
    test_share: float
    seed: int

    def of(self, rows: RowNumbers) -> npt.NDArray[np.int8]:
        """The part of each row: TRAINING, VALIDATION or TEST."""
        uniform = _uniform(rows, self.seed)
        part = np.full(len(rows), TRAINING, dtype=np.int8)
        part[uniform < self.test_share + self.validation_share] = VALIDATION
        part[uniform < self.test_share] = TEST
        return part

    def draw(self, rows: RowNumbers) -> npt.NDArray[np.float64]:
        """Another uniform number in [0, 1) for each row, independent of its part."""
        return _uniform(rows, self.seed + 1)


def _uniform(rows: npt.NDArray[np.uint64], seed: int) -> npt.NDArray[np.float64]:
    """A uniform number in [0, 1) for each row number (SplitMix64, Steele et al. 2014)."""
    start = np.uint64(seed * 0xD1B54A32D192ED03 % 2**64)
    z = (rows + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15) + start
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((z ^ (z >> np.uint64(31))) >> np.uint64(11)).astype(np.float64) * 2.0**-53
