"""Dropout masks: uniform bytes, and the expectation kept exactly."""

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from training.fitting.layers import Dropout
from training.fitting.masks import LEVELS, RandomBytes, dropped_levels


@given(rate=st.floats(0, 1, exclude_max=True))
def test_rate_really_used_is_within_half_a_256th_and_never_all(rate: float) -> None:
    levels = dropped_levels(rate)

    assert 0 <= levels < LEVELS
    assert (levels == 0) == (rate == 0)
    assert abs(levels / LEVELS - rate) <= 1 / LEVELS


@given(rate=st.floats(0.01, 0.95))
def test_scale_keeps_the_expectation_exactly(rate: float) -> None:
    dropout = Dropout(rate, torch.empty(1, LEVELS), seed=1, layer=1)
    # Every value of a byte once: the mean over them is the expectation.
    dropout.noise.copy_(torch.arange(LEVELS).view(1, -1))

    kept = dropout.apply(torch.ones(1, LEVELS))

    assert kept.mean().item() * dropout.scale == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_share_of_dropped_units_is_the_rate(dtype: torch.dtype) -> None:
    dropout = Dropout(0.3, torch.empty(1000, 1000, dtype=dtype), seed=1, layer=1)
    dropout.draw(1000)

    kept = dropout.apply(torch.ones(1000, 1000, dtype=dtype))

    # Of a million draws the share has a standard error of 0.00046.
    assert (kept == 0).float().mean().item() == pytest.approx(77 / 256, abs=0.003)


def _bytes(seed: int, epoch: int, layer: int) -> npt.NDArray[np.uint8]:
    return RandomBytes(seed, epoch=epoch, layer=layer).take(1 << 20).numpy()


def test_bytes_are_uniform_and_the_seeds_own() -> None:
    drawn = _bytes(7, epoch=1, layer=1)

    # Each value 4,096 times, with a standard deviation of 64.
    assert np.abs(np.bincount(drawn, minlength=256) - 4096).max() < 6 * 64
    assert np.array_equal(drawn, _bytes(7, epoch=1, layer=1))
    for other in (_bytes(8, epoch=1, layer=1), _bytes(7, epoch=2, layer=1), _bytes(7, 1, 2)):
        assert not np.array_equal(drawn, other)


def test_bytes_are_never_given_out_twice() -> None:
    stream, whole = RandomBytes(3, epoch=1, layer=1), _bytes(3, epoch=1, layer=1)

    pieces = [stream.take(1000).clone().numpy() for _ in range(1000)]

    assert np.array_equal(np.concatenate(pieces), whole[: 1000 * 1000])
