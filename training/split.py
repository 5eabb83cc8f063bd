"""Rows apart: for training, for validation, and for a test that is looked at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.errors import SplitImpossible

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Split:
    """Row numbers of the three parts, each in ascending order; together every row once."""

    training: Indices
    validation: Indices
    test: Indices


def stratified_split(
    class_index: Indices,
    labels: Sequence[int | str],
    *,
    validation_fraction: float,
    test_fraction: float,
    seed: int,
) -> Split:
    """Split so that every class has about the same share in each part, and at least one row.

    `class_index` has shape (n,) and points into `labels`; both fractions are of all rows.
    Raises SplitImpossible for a class with fewer than three rows, or fractions that leave a class
    nothing to train on.
    """
    generator = np.random.default_rng(seed)
    parts: tuple[list[Indices], list[Indices], list[Indices]] = ([], [], [])
    for number, label in enumerate(labels):
        rows = generator.permutation(np.flatnonzero(class_index == number))
        test = max(1, round(test_fraction * len(rows)))
        validation = max(1, round(validation_fraction * len(rows)))
        if test + validation >= len(rows):
            count = "1 row" if len(rows) == 1 else f"{len(rows)} rows"
            raise SplitImpossible(
                f"the class '{label}' has {count}: expected at least one each for training, "
                f"validation and test, with --validation-fraction {validation_fraction:g} and "
                f"--test-fraction {test_fraction:g}"
            )
        parts[0].append(rows[test + validation :])
        parts[1].append(rows[test : test + validation])
        parts[2].append(rows[:test])
    return Split(*(np.sort(np.concatenate(part)) for part in parts))
