"""Rows apart, and no group in two parts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.errors import SplitImpossible
from training.group_split import grouped_folds, grouped_split
from training.split import Split

# Rows of every group: its class and how many; three groups at least of each of three classes.
GROUPS = st.lists(st.tuples(st.integers(0, 2), st.integers(1, 6)), min_size=30, max_size=80).filter(
    lambda groups: all(sum(c == k for c, _ in groups) >= 5 for k in range(3))
)


def _rows(groups: list[tuple[int, int]], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Class index and group of every row, shuffled; one row in ten is of another class."""
    generator = np.random.default_rng(seed)
    classes = np.repeat([c for c, _ in groups], [n for _, n in groups])
    classes = np.where(generator.random(len(classes)) < 0.1, (classes + 1) % 3, classes)
    of_row = np.repeat(np.arange(len(groups)) * 7, [n for _, n in groups])
    order = generator.permutation(len(classes))
    return classes[order], of_row[order]


def _split(classes: np.ndarray, groups: np.ndarray, seed: int, test_rows: int = 0) -> Split:
    return grouped_split(
        classes,
        "abc",
        groups=groups,
        validation_fraction=0.15,
        test_fraction=0.2,
        seed=seed,
        test_rows=test_rows,
    )


@given(groups=GROUPS, seed=st.integers(0, 1000))
def test_every_row_is_in_one_part_and_no_group_in_two(
    groups: list[tuple[int, int]], seed: int
) -> None:
    classes, of_row = _rows(groups, seed)

    split = _split(classes, of_row, seed)

    parts = [split.training, split.validation, split.test]
    assert sorted(np.concatenate(parts)) == list(range(len(classes)))
    held = [set(of_row[part]) for part in parts]
    assert sum(map(len, held)) == len(set(of_row))


@given(groups=GROUPS, seed=st.integers(0, 1000))
def test_parts_have_their_shares_within_the_largest_group(
    groups: list[tuple[int, int]], seed: int
) -> None:
    classes, of_row = _rows(groups, seed)
    largest = max(n for _, n in groups)

    split = _split(classes, of_row, seed)

    for part, share in ((split.training, 0.65), (split.validation, 0.15), (split.test, 0.2)):
        assert abs(len(part) - share * len(classes)) <= largest + 1
        assert len(np.unique(classes[part])) == 3
        for number in range(3):
            wanted = share * (classes == number).sum()
            assert abs((classes[part] == number).sum() - wanted) <= largest + 2


@given(groups=GROUPS, folds=st.integers(2, 10), seed=st.integers(0, 1000))
def test_folds_hold_every_row_once_and_divide_no_group(
    groups: list[tuple[int, int]], folds: int, seed: int
) -> None:
    classes, of_row = _rows(groups, seed)

    parts = grouped_folds(classes, "abc", groups=of_row, folds=folds, seed=seed)

    assert sorted(np.concatenate(parts)) == list(range(len(classes)))
    assert sum(len(np.unique(of_row[part])) for part in parts) == len(np.unique(of_row))
    # Each of the three classes is dealt evenly, to within a group or so.
    assert max(map(len, parts)) - min(map(len, parts)) <= 3 * max(n for _, n in groups)
    for number in range(3):
        assert sum(bool((classes[part] == number).any()) for part in parts) >= 2


def test_same_seed_gives_the_same_parts_and_another_seed_others() -> None:
    classes, of_row = _rows([(i % 3, 3) for i in range(60)], 0)

    first, again, other = (_split(classes, of_row, seed) for seed in (3, 3, 4))

    assert first.test.tolist() == again.test.tolist()
    assert first.training.tolist() == again.training.tolist()
    assert first.test.tolist() != other.test.tolist()


def test_test_rows_of_their_own_stay_and_the_rest_divides_no_group() -> None:
    classes, of_row = _rows([(i % 3, 3) for i in range(60)], 0)

    split = _split(classes, of_row, 1, test_rows=20)

    n = len(classes)
    assert split.test.tolist() == list(range(n - 20, n))
    assert not set(of_row[split.training]) & set(of_row[split.validation])
    assert sorted([*split.training, *split.validation]) == list(range(n - 20))


def test_one_group_of_half_the_rows_is_trained_on() -> None:
    of_row = np.concatenate([np.zeros(100, np.int64), np.repeat(np.arange(1, 51), 2)])
    classes = np.arange(200) % 2

    split = grouped_split(
        classes, "ab", groups=of_row, validation_fraction=0.15, test_fraction=0.2, seed=0
    )

    assert set(of_row[split.training]) >= {0}


@pytest.mark.parametrize("count", [1, 2])
def test_class_in_too_few_groups_for_three_parts_is_named(count: int) -> None:
    classes = np.array([0] * 40 + [1] * 10)
    of_row = np.concatenate([np.arange(40), 100 + np.arange(10) % count])

    with pytest.raises(SplitImpossible, match=rf"class 'b' are in {count} groups?: expected at le"):
        grouped_split(
            classes, "ab", groups=of_row, validation_fraction=0.15, test_fraction=0.2, seed=0
        )


def test_groups_that_cannot_give_every_part_every_class_are_refused() -> None:
    # 'a' is in groups 0, 1, 2 and 'b' in 0, 1, 3: only apart do 0, 1 and {2, 3} give each part
    # both. But 'c' is in 0, 2 and 3, which then must be apart too.
    classes = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2])
    of_row = np.array([0, 1, 2, 0, 1, 3, 0, 2, 3])

    with pytest.raises(SplitImpossible, match="4 groups cannot be dealt so that training, vali"):
        _split(classes, of_row, 0)


def test_fewer_groups_than_folds_are_refused() -> None:
    with pytest.raises(SplitImpossible, match=r"there are 4 groups .* --folds 5"):
        grouped_folds(np.arange(20) % 2, "ab", groups=np.arange(20) % 4, folds=5, seed=0)


def test_class_in_one_group_only_is_refused_for_folds() -> None:
    classes = np.array([0] * 20 + [1] * 3)
    of_row = np.array([*range(20), 99, 99, 99])

    with pytest.raises(SplitImpossible, match="the class 'rare' is in one group only"):
        grouped_folds(classes, ["common", "rare"], groups=of_row, folds=5, seed=0)


def test_classes_in_just_three_groups_each_have_one_in_every_part() -> None:
    of_row = np.repeat(np.arange(6), 20)

    split = grouped_split(
        of_row % 2, "ab", groups=of_row, validation_fraction=0.15, test_fraction=0.2, seed=0
    )

    assert [len(split.training), len(split.validation), len(split.test)] == [40, 40, 40]
