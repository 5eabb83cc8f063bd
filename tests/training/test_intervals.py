"""Intervals of shares, held to scipy's and to what they promise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from training.intervals import of_share, wilson


@given(st.integers(1, 100_000), st.data())
def test_interval_is_scipys(rows: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, rows))

    found = wilson(hits, rows)

    expected = binomtest(hits, rows).proportion_ci(method="wilson")
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=1e-9)
    assert 0 <= found.low <= hits / rows <= found.high <= 1


@pytest.mark.parametrize("rows", [30, 69, 359])
def test_interval_holds_the_truth_about_as_often_as_it_says(rows: int) -> None:
    """Over all counts that a true share may give, and the mean over true shares."""
    hits = np.arange(rows + 1)
    found = [wilson(int(count), rows) for count in hits]
    low, high = (np.array([getattr(i, end) for i in found]) for end in ("low", "high"))

    covered = [
        binom.pmf(hits, rows, truth)[(low <= truth) & (truth <= high)].sum()
        for truth in np.linspace(0.05, 0.95, 91)
    ]

    assert 0.945 < np.mean(covered) < 0.96
    assert min(covered) > 0.90


@pytest.mark.parametrize(
    ("hits", "rows", "written"),
    [
        (68, 69, "0.92 to 1.00"),
        (354, 359, "0.97 to 0.99"),
        (8800, 10_000, "0.873 to 0.886"),
        (0, 5, "0.00 to 0.43"),
        (999_000, 1_000_000, "0.9989 to 0.9991"),
    ],
)
def test_interval_is_written_with_the_digits_that_its_width_deserves(
    hits: int, rows: int, written: str
) -> None:
    assert str(wilson(hits, rows)) == written


def test_share_of_no_rows_has_no_interval() -> None:
    assert of_share(0.0, 0) is None


@given(st.integers(1, 10_000), st.data())
def test_interval_of_a_share_is_that_of_its_rows(rows: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, rows))

    assert of_share(hits / rows, rows) == wilson(hits, rows)
