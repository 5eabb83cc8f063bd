"""Rows apart without dividing a group: all rows of one patient land on one side.

The greedy way of scikit-learn's StratifiedGroupKFold, for parts of any shares: groups are dealt
largest first, each to the part that keeps the classes' shares most even.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from training.errors import SplitImpossible
from training.split import Indices, Label, Split

_ATTEMPTS = 20


def grouped_split(
    class_index: Indices,
    labels: Sequence[Label],
    *,
    groups: Indices,
    validation_fraction: float,
    test_fraction: float,
    seed: int,
    test_rows: int = 0,
) -> Split:
    """As stratified_split, with no group in two parts; `groups`, (n,), says each row's.

    With `test_rows` the last so many rows are the test part, whatever their groups.
    Raises SplitImpossible for a class that is in too few groups to have a row in every part.
    """
    if test_rows:
        rest = slice(len(class_index) - test_rows)
        shares = [1 - validation_fraction, validation_fraction]
        training, validation = _parts(
            class_index[rest], groups[rest], labels, shares=shares, seed=seed
        )
        return Split(training, validation, np.arange(rest.stop, len(class_index)))
    shares = [1 - validation_fraction - test_fraction, validation_fraction, test_fraction]
    training, validation, test = _parts(class_index, groups, labels, shares=shares, seed=seed)
    return Split(training, validation, test)


def grouped_folds(
    class_index: Indices, labels: Sequence[Label], *, groups: Indices, folds: int, seed: int
) -> list[Indices]:
    """Row numbers of each fold, ascending; together every row once, no group in two folds.

    Every class is in two folds at least, so that whichever fold is left out, the others teach it.
    Raises SplitImpossible for fewer groups than folds, or a class that is in one group only.
    """
    numbered, counts = _counted(class_index, groups, len(labels))
    if len(counts) < folds:
        raise SplitImpossible(
            f"there are {_groups(len(counts))} that are not test rows: expected at least one for "
            f"each fold, with --folds {folds}"
        )
    for number, label in enumerate(labels):
        if (counts[:, number] > 0).sum() < 2:
            raise SplitImpossible(
                f"but for test rows, the class '{label}' is in one group only: expected two at "
                "least, as no group is divided between the folds and every fold is left out once"
            )
    part = _dealt_so_that(counts, [1 / folds] * folds, seed=seed, fewest=2)
    if part is None:
        raise SplitImpossible(
            f"{_groups(len(counts))} cannot be dealt to {folds} folds so that every class is in "
            "two of them: expected more groups, or fewer --folds"
        )
    return _rows_by_part(part[numbered], folds)


def grouped_parts(class_index: Indices, *, groups: Indices, parts: int, seed: int) -> list[Indices]:
    """As stratified_parts, with no group in two parts; fewer parts where there are fewer groups."""
    numbered, counts = _counted(class_index, groups, int(class_index.max()) + 1)
    count = min(parts, len(counts))
    part = _dealt(counts, np.full(count, 1 / count), np.random.default_rng(seed))
    return [rows for rows in _rows_by_part(part[numbered], count) if len(rows)]


def _parts(
    class_index: Indices,
    groups: Indices,
    labels: Sequence[Label],
    *,
    shares: Sequence[float],
    seed: int,
) -> list[Indices]:
    names = "training, validation and test" if len(shares) == 3 else "training and validation"
    numbered, counts = _counted(class_index, groups, len(labels))
    for number, label in enumerate(labels):
        found = int((counts[:, number] > 0).sum())
        if found < len(shares):
            raise SplitImpossible(
                f"all rows of the class '{label}' are in {_groups(found)}: expected at least "
                f"{len(shares)}, as no group is divided between {names}"
            )
    part = _dealt_so_that(counts, shares, seed=seed, fewest=len(shares))
    if part is None:
        raise SplitImpossible(
            f"{_groups(len(counts))} cannot be dealt so that {names} all have rows of every "
            "class: expected more groups, or other fractions"
        )
    return _rows_by_part(part[numbered], len(shares))


def _counted(class_index: Indices, groups: Indices, n_classes: int) -> tuple[Indices, Indices]:
    """Each row's group counted from 0, (n,), and the rows of each class in it, (g, n_classes)."""
    _, numbered = np.unique(groups, return_inverse=True)
    counts = np.zeros((int(numbered.max()) + 1, n_classes), dtype=np.int64)
    np.add.at(counts, (numbered, class_index), 1)
    return numbered, counts


def _dealt_so_that(
    counts: Indices, shares: Sequence[float], *, seed: int, fewest: int
) -> Indices | None:
    """The part of each group, (g,), with every class in `fewest` parts and no part empty."""
    generator = np.random.default_rng(seed)
    asked, even = np.asarray(shares), np.full(len(shares), 1 / len(shares))
    for attempt in range(_ATTEMPTS):
        # The largest part takes groups that a smaller one needs; the more even, the less so.
        evenness = attempt / (_ATTEMPTS - 1)
        part = _dealt(counts, (1 - evenness) * asked + evenness * even, generator)
        of_parts = np.zeros((len(shares), counts.shape[1]), dtype=np.int64)
        np.add.at(of_parts, part, counts)
        if of_parts.sum(axis=1).all() and ((of_parts > 0).sum(axis=0) >= fewest).all():
            return part
    return None


def _dealt(
    counts: Indices, shares: npt.NDArray[np.float64], generator: np.random.Generator
) -> Indices:
    """Deal groups largest first; of equal ones chance says which comes first."""
    shuffled = generator.permutation(len(counts))
    order = shuffled[np.argsort(-counts[shuffled].sum(axis=1), kind="stable")]
    # How full each part is of each class: 1 where it has just its share.
    filled = np.zeros((len(shares), counts.shape[1]))
    rows = np.zeros(len(shares))
    wanted = shares[:, None] * np.maximum(counts.sum(axis=0), 1)
    part = np.empty(len(counts), dtype=np.int64)
    for group in order:
        classes = np.flatnonzero(counts[group])
        before, added = filled[:, classes], counts[group, classes] / wanted[:, classes]
        # What the variance over the parts, summed over the classes, grows by.
        growth = (
            added * (2 * before + added) / len(shares)
            - added * (2 * before.sum(axis=0) + added) / len(shares) ** 2
        )
        # Of parts that need the group alike, the one with the fewest rows for its share.
        alike = np.flatnonzero(np.isclose(total := growth.sum(axis=1), total.min(), atol=1e-12))
        chosen = int(alike[(rows[alike] / shares[alike]).argmin()])
        part[group] = chosen
        rows[chosen] += counts[group].sum()
        filled[chosen, classes] += added[chosen]
    return part


def _rows_by_part(part: Indices, n_parts: int) -> list[Indices]:
    return [np.flatnonzero(part == number) for number in range(n_parts)]


def _groups(count: int) -> str:
    return "1 group" if count == 1 else f"{count} groups"
