"""Rows apart, and never in two parts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.errors import SplitImpossible
from training.split import rows_of_classes, stratified_folds, stratified_split

COUNTS = st.lists(st.integers(8, 60), min_size=2, max_size=6)


def _classes(counts: list[int], seed: int) -> np.ndarray:
    classes = np.repeat(np.arange(len(counts)), counts)
    return np.random.default_rng(seed).permutation(classes)


@given(counts=COUNTS, seed=st.integers(0, 1000))
def test_every_row_is_in_exactly_one_part(counts: list[int], seed: int) -> None:
    classes = _classes(counts, seed)

    split = stratified_split(
        classes, range(len(counts)), validation_fraction=0.2, test_fraction=0.2, seed=seed
    )

    together = np.concatenate([split.training, split.validation, split.test])
    assert sorted(together) == list(range(len(classes)))


@given(counts=COUNTS, seed=st.integers(0, 1000))
def test_every_class_has_its_share_of_each_part(counts: list[int], seed: int) -> None:
    classes = _classes(counts, seed)

    split = stratified_split(
        classes, range(len(counts)), validation_fraction=0.15, test_fraction=0.25, seed=seed
    )

    for number, count in enumerate(counts):
        validation = int((classes[split.validation] == number).sum())
        test = int((classes[split.test] == number).sum())
        assert abs(validation - 0.15 * count) <= 1
        assert abs(test - 0.25 * count) <= 1
        assert min(validation, test) >= 1


def test_same_seed_gives_the_same_split_and_another_seed_another() -> None:
    classes = _classes([50, 50], 0)

    def test_rows(seed: int) -> list[int]:
        split = stratified_split(
            classes, (0, 1), validation_fraction=0.2, test_fraction=0.2, seed=seed
        )
        return list(map(int, split.test))

    assert test_rows(3) == test_rows(3)
    assert test_rows(3) != test_rows(4)


@given(counts=COUNTS, seed=st.integers(0, 1000))
def test_test_set_that_a_table_comes_with_is_left_as_it_is(counts: list[int], seed: int) -> None:
    classes = np.concatenate([_classes(counts, seed), [0, 1, 0]])

    split = stratified_split(
        classes,
        range(len(counts)),
        validation_fraction=0.2,
        test_fraction=0.9,
        seed=seed,
        test_rows=3,
    )

    n = len(classes)
    assert split.test.tolist() == [n - 3, n - 2, n - 1]
    assert sorted([*split.training, *split.validation]) == list(range(n - 3))


@pytest.mark.parametrize("count", [1, 2])
def test_class_too_small_for_three_parts_is_refused_by_its_label(count: int) -> None:
    classes = np.array([0] * 30 + [1] * count)

    with pytest.raises(SplitImpossible, match=f"the class 'rare' has {count} row"):
        stratified_split(
            classes, ("common", "rare"), validation_fraction=0.2, test_fraction=0.2, seed=0
        )


@given(
    counts=st.lists(st.integers(5, 40), min_size=2, max_size=6),
    folds=st.integers(2, 5),
    seed=st.integers(0, 2**32 - 1),
)
def test_folds_hold_every_row_once_and_are_of_a_size(
    counts: list[int], folds: int, seed: int
) -> None:
    class_index = np.repeat(np.arange(len(counts)), counts)
    labels = [str(i) for i in range(len(counts))]

    parts = stratified_folds(class_index, labels, folds=folds, seed=seed)

    assert sorted(np.concatenate(parts).tolist()) == list(range(len(class_index)))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    for number in range(len(counts)):
        shares = [int((class_index[part] == number).sum()) for part in parts]
        assert max(shares) - min(shares) <= 1


def test_class_with_fewer_rows_than_folds_is_named() -> None:
    class_index = np.array([0] * 10 + [1] * 3)

    with pytest.raises(SplitImpossible, match=r"the class 'rare' has 3 rows .* --folds 5"):
        stratified_folds(class_index, ["common", "rare"], folds=5, seed=0)


def test_rows_of_each_class_are_found_in_one_pass() -> None:
    class_index = np.array([2, 0, 2, 4, 0], dtype=np.int64)

    found = rows_of_classes(class_index, 6)

    assert [rows.tolist() for rows in found] == [[1, 4], [], [0, 2], [], [3], []]
