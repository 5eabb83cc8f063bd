"""The evenly spaced points of a curve."""

import numpy as np

from service.activations.function import Array
from service.errors import InvalidInput, Problem, TooManyRows


def points(start: float, stop: float, step: float, *, limit: int) -> Array:
    """start, start + step, ... up to stop, included where a step ends there.

    Raises InvalidInput for a range without points and TooManyRows above `limit` points.
    """
    if not step > 0:
        raise InvalidInput("the range has no points", [Problem(f"step: expected > 0, got {step}")])
    if stop < start:
        problem = Problem(f"stop: expected at least start = {start}, got {stop}")
        raise InvalidInput("the range has no points", [problem])
    steps = (stop - start) / step
    if not steps < limit:
        raise TooManyRows(f"expected at most {limit} points, got more: enlarge step")
    # A step such as 0.1 is not exact in binary: half a billionth of it is forgiven at the end.
    count = int(np.floor(steps * (1 + 1e-12) + 5e-10)) + 1
    return np.minimum(start + step * np.arange(count, dtype=np.float64), stop)
