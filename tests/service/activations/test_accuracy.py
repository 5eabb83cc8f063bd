"""Values and derivatives against 50-digit arithmetic."""

import warnings
from collections.abc import Callable

import mpmath
import numpy as np
import pytest
from mpmath import mp, mpf

from service.activations.table import TABLE

Exact = Callable[..., mpf]

ULPS = 4
SMALLEST_NORMAL = float(np.finfo(np.float64).smallest_normal)
FAR = (20, 40, 700, 1e5, 1e300, 1e-300, 1e-8)
POINTS = np.unique(
    np.concatenate(
        [
            np.linspace(-40, 40, 641),
            np.linspace(-4, 4, 1201) + 0.0003,
            np.linspace(-745, 745, 299),
            np.array([sign * x for x in FAR for sign in (1.0, -1.0)]),
            np.array([0.0, -0.5, 0.5, -1.0, 1.0, -3.0, 3.0, 6.0]),
        ]
    )
)


def _sigmoid(x: mpf) -> mpf:
    return 1 / (1 + mp.exp(-x))


def _normal(x: mpf) -> mpf:
    return mp.ncdf(x) if abs(x) < 1e4 else mpf(x > 0)


def _cubic(x: mpf) -> mpf:
    return 2 * mp.sqrt(2 / mp.pi) * (x + mpf("0.044715") * x**3)


def _cubic_slope(x: mpf) -> mpf:
    return 2 * mp.sqrt(2 / mp.pi) * (1 + 3 * mpf("0.044715") * x**2)


def _softplus(x: mpf) -> mpf:
    return mp.log1p(mp.exp(x)) if x < 1000 else x


def _mish_derivative(x: mpf) -> mpf:
    if abs(x) > 1e4:
        return mpf(x > 0)
    return mp.tanh(_softplus(x)) + x * _sigmoid(x) * mp.sech(_softplus(x)) ** 2


def _gelu_tanh_derivative(x: mpf) -> mpf:
    if abs(x) > 1e4:
        return mpf(x > 0)
    s = _sigmoid(_cubic(x))
    return s + x * s * _sigmoid(-_cubic(x)) * _cubic_slope(x)


def _hard(x: mpf, low: mpf, middle: mpf, high: mpf) -> mpf:
    return low if x <= -3 else high if x >= 3 else middle


SCALE = mpf("1.0507009873554804934193349852946")
ALPHA = mpf("1.6732632423543772848170429916717")

VALUES: dict[str, Exact] = {
    "relu": lambda x: max(x, mpf(0)),
    "leaky_relu": lambda x, negative_slope: x if x > 0 else negative_slope * x,
    "relu6": lambda x: min(max(x, mpf(0)), mpf(6)),
    "prelu": lambda x, init: x if x > 0 else init * x,
    "elu": lambda x, alpha: x if x > 0 else alpha * mp.expm1(x),
    "celu": lambda x, alpha: x if x > 0 else alpha * mp.expm1(x / alpha),
    "selu": lambda x: SCALE * x if x > 0 else SCALE * ALPHA * mp.expm1(x),
    "gelu": lambda x: x * _normal(x),
    "gelu_tanh": lambda x: x * _sigmoid(_cubic(x)),
    "silu": lambda x: x * _sigmoid(x),
    "mish": lambda x: x * mp.tanh(_softplus(x)),
    "sigmoid": _sigmoid,
    "logsigmoid": lambda x: -_softplus(-x),
    "hardsigmoid": lambda x: _hard(x, mpf(0), (x + 3) / 6, mpf(1)),
    "hardswish": lambda x: _hard(x, mpf(0), x * (x + 3) / 6, x),
    "hardtanh": lambda x, min_val, max_val: min(max(x, min_val), max_val),
    "tanh": mp.tanh,
    "softplus": lambda x, beta: _softplus(beta * x) / beta,
    "softsign": lambda x: x / (1 + abs(x)),
    "tanhshrink": lambda x: x - mp.tanh(x),
    "softshrink": lambda x, lambd: mp.sign(x) * max(abs(x) - lambd, mpf(0)),
    "hardshrink": lambda x, lambd: x if abs(x) > lambd else mpf(0),
}
DERIVATIVES: dict[str, Exact] = {
    "relu": lambda x: mpf(x > 0),
    "leaky_relu": lambda x, negative_slope: mpf(1) if x > 0 else negative_slope,
    "relu6": lambda x: mpf(0 < x < 6),
    "prelu": lambda x, init: mpf(1) if x > 0 else init,
    "elu": lambda x, alpha: mpf(1) if x > 0 else alpha * mp.exp(x),
    "celu": lambda x, alpha: mpf(1) if x > 0 else mp.exp(x / alpha),
    "selu": lambda x: SCALE if x > 0 else SCALE * ALPHA * mp.exp(x),
    "gelu": lambda x: _normal(x) + x * mp.npdf(x),
    "gelu_tanh": _gelu_tanh_derivative,
    "silu": lambda x: _sigmoid(x) * (1 + x * _sigmoid(-x)),
    "mish": _mish_derivative,
    "sigmoid": lambda x: _sigmoid(x) * _sigmoid(-x),
    "logsigmoid": lambda x: _sigmoid(-x),
    "hardsigmoid": lambda x: _hard(x, mpf(0), mpf(1) / 6, mpf(0)),
    "hardswish": lambda x: _hard(x, mpf(0), (2 * x + 3) / 6, mpf(1)),
    "hardtanh": lambda x, min_val, max_val: mpf(min_val < x < max_val),
    "tanh": lambda x: mp.sech(x) ** 2,
    "softplus": lambda x, beta: _sigmoid(beta * x),
    "softsign": lambda x: 1 / (1 + abs(x)) ** 2,
    "tanhshrink": lambda x: mp.tanh(x) ** 2,
    "softshrink": lambda x, lambd: mpf(abs(x) > lambd),
    "hardshrink": lambda x, lambd: mpf(abs(x) > lambd),
}

DEFAULTS: list[tuple[str, dict[str, float]]] = [(name, {}) for name in TABLE]
OTHERS: list[tuple[str, dict[str, float]]] = [
    ("leaky_relu", {"negative_slope": 0.3}),
    ("elu", {"alpha": 0.7}),
    ("celu", {"alpha": 0.3}),
    ("celu", {"alpha": 7.1}),
    ("hardtanh", {"min_val": -0.7, "max_val": 2.3}),
    ("softplus", {"beta": 0.3}),
    ("softplus", {"beta": 7.1}),
    ("softshrink", {"lambd": 1.5}),
    ("hardshrink", {"lambd": 0.0}),
]


@pytest.mark.parametrize(
    ("name", "given"), DEFAULTS + OTHERS, ids=lambda v: str(v).replace(" ", "")
)
@pytest.mark.parametrize("kind", ["value", "derivative"])
def test_result_is_within_4_ulp_of_the_true_one(
    name: str, given: dict[str, float], kind: str
) -> None:
    function = TABLE[name]
    used = function.with_defaults(given)
    compute = function.value if kind == "value" else function.derivative
    exact = (VALUES if kind == "value" else DERIVATIVES)[name]

    with warnings.catch_warnings(), np.errstate(over="raise", invalid="raise", divide="raise"):
        warnings.simplefilter("error")
        found = compute(POINTS, **used)

    with mpmath.workdps(50):
        parameters = {key: mpf(value) for key, value in used.items()}
        worst = max(
            (_ulps(float(y), exact(mpf(float(x)), **parameters)), float(x))
            for x, y in zip(POINTS, found, strict=True)
        )
    assert worst[0] <= ULPS, f"{worst[0]:.2f} ulp at x = {worst[1]!r}"


def _ulps(found: float, exact: mpf) -> float:
    """The distance in units of the last place, or 0 when below the smallest normal number."""
    error = abs(mpf(found) - exact)
    if error <= SMALLEST_NORMAL:
        return 0.0
    return float(error / float(np.spacing(abs(float(exact)))))
