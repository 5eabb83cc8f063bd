"""The coefficients in gaussian.py, computed anew with 80 digits."""

from collections.abc import Callable, Sequence

import mpmath
import pytest
from mpmath import mp, mpf

from service.activations import gaussian


def _gelu_derivative(x: mpf) -> mpf:
    return mp.ncdf(x) + x * mp.npdf(x)


def _gelu_tanh_derivative(x: mpf) -> mpf:
    scale, cubic = 2 * mp.sqrt(2 / mp.pi), mpf("0.044715")
    power = mp.exp(scale * x * (1 + cubic * x * x))
    return power / (1 + power) ** 2 * (1 + power + scale * x * (1 + 3 * cubic * x * x))


@pytest.mark.parametrize(
    ("function", "zero", "coefficients"),
    [
        (_gelu_derivative, gaussian._GELU_ZERO, gaussian._GELU_TAYLOR),
        (_gelu_tanh_derivative, gaussian._GELU_TANH_ZERO, gaussian._GELU_TANH_TAYLOR),
    ],
    ids=["gelu", "gelu_tanh"],
)
def test_taylor_coefficients_are_those_about_the_zero_of_the_derivative(
    function: Callable[[mpf], mpf], zero: tuple[float, float], coefficients: Sequence[float]
) -> None:
    with mpmath.workdps(80):
        exact_zero = mp.findroot(function, mpf(zero[0]))
        expected = [float(c) for c in mp.taylor(function, exact_zero, len(coefficients) - 1)]
        distance = float(abs(exact_zero - mpf(zero[0]) - mpf(zero[1])))

    assert distance < 1e-32
    assert coefficients[0] == 0.0
    assert list(coefficients[1:]) == pytest.approx(expected[1:], rel=1e-14)


def test_tail_polynomial_is_the_upper_tail_of_the_normal_distribution() -> None:
    with mpmath.workdps(50):
        for u in [mpf(k) / 8 for k in range(320)]:
            s = (u - 4) / (u + 4)
            found = mp.polyval([mpf(c) for c in reversed(gaussian._MILLS)], s) / (u + 1)
            expected = mp.erfc(u / mp.sqrt(2)) / 2 * mp.exp(u * u / 2)

            assert abs(found / expected - 1) < mpf("1e-16")
