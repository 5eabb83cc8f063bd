"""Points along an activation function."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.activations.curve import points
from service.errors import InvalidInput, TooManyRows


@pytest.mark.parametrize(
    ("start", "stop", "step", "count"),
    [(-8, 8, 0.1, 161), (0, 1, 0.1, 11), (0, 1, 0.3, 4), (2, 2, 1, 1), (-1, 1, 5, 1)],
)
def test_points_go_from_start_to_stop_by_step(
    start: float, stop: float, step: float, count: int
) -> None:
    found = points(start, stop, step, limit=1000)

    assert len(found) == count
    assert found[0] == start


@given(
    start=st.floats(-1e6, 1e6),
    width=st.floats(0, 1e6),
    count=st.integers(1, 999),
)
def test_points_rise_and_stay_inside(start: float, width: float, count: int) -> None:
    step = max(width / count, 1e-6)

    found = points(start, start + width, step, limit=10**10) if width / step < 1e4 else None

    if found is not None:
        assert found[0] == start
        assert found[-1] <= start + width
        assert (np.diff(found) >= 0).all()


@pytest.mark.parametrize(("start", "stop", "step"), [(0, 1, 0), (0, 1, -1), (1, 0, 0.1)], ids=str)
def test_range_without_points_is_refused(start: float, stop: float, step: float) -> None:
    with pytest.raises(InvalidInput, match="the range has no points"):
        points(start, stop, step, limit=1000)


def test_more_points_than_the_limit_are_refused_before_they_are_made() -> None:
    with pytest.raises(TooManyRows, match="at most 1000 points"):
        points(-1e300, 1e300, 1e-300, limit=1000)
