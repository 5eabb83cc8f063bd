"""Rows apart: for training, for validation, and for a test that is looked at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.errors import SplitImpossible

Indices = npt.NDArray[np.int64]
Label = bool | int | str


@dataclass(frozen=True)
class Split:
    """Row numbers of the three parts, each in ascending order; together every row once."""

    training: Indices
    validation: Indices
    test: Indices


def stratified_split(
    class_index: Indices,
    labels: Sequence[Label],
    *,
    validation_fraction: float,
    test_fraction: float,
    seed: int,
    test_rows: int = 0,
) -> Split:
    """Split so that every class has about the same share in each part, and at least one row.

    `class_index` has shape (n,) and points into `labels`; both fractions are of all rows. With
    `test_rows` the last so many rows are the test part, and `test_fraction` means nothing.
    Raises SplitImpossible for a class with fewer than three rows, or fractions that leave a class
    nothing to train on.
    """
    generator = np.random.default_rng(seed)
    if test_rows:
        cut = len(class_index) - test_rows
        rest = _validation_apart(class_index[:cut], labels, validation_fraction, generator)
        return Split(*rest, np.arange(cut, len(class_index)))
    parts: tuple[list[Indices], list[Indices], list[Indices]] = ([], [], [])
    for label, of_class in zip(labels, rows_of_classes(class_index, len(labels)), strict=True):
        rows = generator.permutation(of_class)
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


def _validation_apart(
    class_index: Indices,
    labels: Sequence[Label],
    fraction: float,
    generator: np.random.Generator,
) -> tuple[Indices, Indices]:
    """Training and validation rows, of rows that are not for testing."""
    training, validation = [], []
    for label, of_class in zip(labels, rows_of_classes(class_index, len(labels)), strict=True):
        rows = generator.permutation(of_class)
        count = max(1, round(fraction * len(rows)))
        if count >= len(rows):
            raise SplitImpossible(
                f"the class '{label}' has {len(rows)} rows that are not test rows: expected at "
                f"least one each for training and validation, with --validation-fraction "
                f"{fraction:g}"
            )
        training.append(rows[count:])
        validation.append(rows[:count])
    return np.sort(np.concatenate(training)), np.sort(np.concatenate(validation))


def rows_of_classes(class_index: Indices, classes: int) -> list[Indices]:
    """The row numbers of each class, ascending, in one pass however many classes there are."""
    order = np.argsort(class_index, kind="stable")
    ends = np.cumsum(np.bincount(class_index, minlength=classes))
    return np.split(order, ends)[:classes]


def stratified_folds(
    class_index: Indices, labels: Sequence[Label], *, folds: int, seed: int
) -> list[Indices]:
    """Row numbers of each fold, ascending; together every row once, `class_index` is (n,).

    The folds differ by at most one row of each class, and by at most one row in all.
    Raises SplitImpossible for a class with fewer rows than folds.
    """
    counts = np.bincount(class_index, minlength=len(labels)).tolist()
    for label, rows in zip(labels, counts, strict=True):
        if rows < folds:
            raise SplitImpossible(
                f"the class '{label}' has {rows} rows that are not test rows: expected at "
                f"least one for each fold, with --folds {folds}"
            )
    return stratified_parts(class_index, parts=folds, seed=seed)


def stratified_parts(class_index: Indices, *, parts: int, seed: int) -> list[Indices]:
    """Row numbers of each part, ascending; together every row once, `class_index` is (n,).

    The parts differ by at most one row of each class, and by at most one row in all; a rare class
    may be missing in some.
    """
    generator = np.random.default_rng(seed)
    classes = int(class_index.max(initial=-1)) + 1
    dealt = [generator.permutation(rows) for rows in rows_of_classes(class_index, classes)]
    # Dealt like cards, one class after the other, so that the parts stay of a size.
    together = np.concatenate(dealt)
    return [np.sort(together[part::parts]) for part in range(parts)]
