"""Activation functions built on the exponential, without cancellation or overflow.

Every exponential is taken of a number that is not positive, and a derivative with a zero of
its own (silu, mish) is written as a sum of terms that all change sign there.
"""

import numpy as np
import numpy.typing as npt

from service.activations.extended import two_product

Array = npt.NDArray[np.float64]

# Klambauer et al. 2017, equation 2, with PyTorch's digits; the product is rounded once.
_SELU_SCALE = 1.0507009873554805
_SELU_SCALE_ALPHA = 1.7580993408473768

# The zero of silu', where 1 + x + exp(x) = 0, and exp there.
_SILU_ZERO = (-1.2784645427610737, -1.0946994183093437e-16)
_SILU_ZERO_EXP = 0.2784645427610738

# The zero r of mish', and exp(r), exp(2r), exp(3r), 4r + 6 there.
_MISH_ZERO = (-1.1924312145154952, -4.8484829848031044e-17)
_MISH_ZERO_EXPS = (0.3034825352815289, 0.09210164922090446, 0.027951242009170138)
_MISH_ZERO_SLOPE = 1.2302751419380191


def _decay(x: Array) -> Array:
    return np.asarray(np.exp(-np.abs(x)))


def _one_plus(decay: Array) -> tuple[Array, Array]:
    """1 + decay, and the relative rounding error of that sum."""
    total = 1.0 + decay
    return total, (decay - (total - 1.0)) / total


def _from(zero: tuple[float, float], x: Array) -> Array:
    return (x - zero[0]) - zero[1]


def _exp_of_product(x: Array, factor: float) -> Array:
    """exp(x * factor) for x * factor <= 0, the rounding of the product made good."""
    near = np.maximum(x, -800.0 / factor)
    high, low = two_product(near, np.full_like(near, factor))
    return np.asarray(np.exp(high) * (1.0 + low))


def _exp_of_quotient(x: Array, divisor: float) -> Array:
    """exp(x / divisor) for x / divisor <= 0, the rounding of the quotient made good."""
    near = np.maximum(x, -800.0 * divisor)
    quotient = near / divisor
    high, low = two_product(quotient, np.full_like(near, divisor))
    return np.asarray(np.exp(quotient) * (1.0 + ((near - high) - low) / divisor))


def sigmoid(x: Array) -> Array:
    decay = _decay(x)
    return np.where(x >= 0, 1.0, decay) / (1.0 + decay)


def sigmoid_derivative(x: Array) -> Array:
    total, error = _one_plus(_decay(x))
    return np.asarray(_decay(x) / (total * total) * (1.0 - 2.0 * error))


def logsigmoid(x: Array) -> Array:
    return np.asarray(np.minimum(x, 0.0) - np.log1p(_decay(x)))


def logsigmoid_derivative(x: Array) -> Array:
    return sigmoid(-x)


def tanh(x: Array) -> Array:
    return np.asarray(np.tanh(x))


def tanh_derivative(x: Array) -> Array:
    return 4.0 * sigmoid_derivative(2.0 * np.clip(x, -800.0, 800.0))


def tanhshrink(x: Array) -> Array:
    # Below 2, x - tanh(x) = x k / (1 + k) with tanh's continued fraction
    # x / (1 + k), k = x^2 / (3 + x^2 / (5 + ...)) (Abramowitz & Stegun 4.5.70).
    square = np.minimum(np.abs(x), 2.0) ** 2
    k = np.zeros_like(x)
    for odd in range(31, 1, -2):
        k = square / (odd + k)
    return np.where(np.abs(x) < 2.0, x * (k / (1.0 + k)), x - np.tanh(x))


def tanhshrink_derivative(x: Array) -> Array:
    return np.asarray(np.tanh(x) ** 2)


def softsign(x: Array) -> Array:
    return np.asarray(x / (1.0 + np.abs(x)))


def softsign_derivative(x: Array) -> Array:
    return np.asarray((1.0 / (1.0 + np.abs(x))) ** 2)


def elu(x: Array, *, alpha: float) -> Array:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0.0)))


def elu_derivative(x: Array, *, alpha: float) -> Array:
    return np.where(x > 0, 1.0, alpha * np.exp(np.minimum(x, 0.0)))


def celu(x: Array, *, alpha: float) -> Array:
    near = np.maximum(np.minimum(x, 0.0), -800.0 * alpha)
    return np.where(x > 0, x, alpha * np.expm1(near / alpha))


def celu_derivative(x: Array, *, alpha: float) -> Array:
    return np.where(x > 0, 1.0, _exp_of_quotient(np.minimum(x, 0.0), alpha))


def selu(x: Array) -> Array:
    return np.where(x > 0, _SELU_SCALE * x, _SELU_SCALE_ALPHA * np.expm1(np.minimum(x, 0.0)))


def selu_derivative(x: Array) -> Array:
    return np.where(x > 0, _SELU_SCALE, _SELU_SCALE_ALPHA * np.exp(np.minimum(x, 0.0)))


def softplus(x: Array, *, beta: float) -> Array:
    decay = _exp_of_product(-np.abs(x), beta)
    return np.asarray(np.maximum(x, 0.0) + np.log1p(decay) / beta)


def softplus_derivative(x: Array, *, beta: float) -> Array:
    decay = _exp_of_product(-np.abs(x), beta)
    return np.where(x >= 0, 1.0, decay) / (1.0 + decay)


def silu(x: Array) -> Array:
    return np.asarray(x * sigmoid(x))


def silu_derivative(x: Array) -> Array:
    decay = _decay(x)
    total, error = _one_plus(decay)
    share = decay / total
    rising = (1.0 + x * share) / total
    # 1 + x + exp(x) measured from its zero r: d + exp(r) (exp(d) - 1) with d = x - r.
    d = _from(_SILU_ZERO, np.minimum(x, 0.0))
    above_zero = d + _SILU_ZERO_EXP * np.expm1(d)
    falling = share * (above_zero / total) * (1.0 - 2.0 * error)
    return np.where(x >= 0, rising, falling)


def mish(x: Array) -> Array:
    # tanh(softplus(x)) = n / (n + 2) with n = exp(x) (exp(x) + 2).
    decay = _decay(x)
    rising = (1.0 + 2.0 * decay) / (1.0 + 2.0 * decay * (1.0 + decay))
    falling = decay * (decay + 2.0) / (decay * (decay + 2.0) + 2.0)
    return x * np.where(x >= 0, rising, falling)


def mish_derivative(x: Array) -> Array:
    decay = _decay(x)
    return np.where(x >= 0, _mish_derivative_right(x, decay), _mish_derivative_left(x, decay))


def _mish_derivative_right(x: Array, decay: Array) -> Array:
    whole = 1.0 + 2.0 * decay * (1.0 + decay)
    gate = (1.0 + 2.0 * decay) / whole
    rest = 2.0 * decay * decay / whole
    return np.asarray(gate + x * rest * (1.0 + gate) / (1.0 + decay))


def _mish_derivative_left(x: Array, decay: Array) -> Array:
    # Misra 2019: exp(x) w / (exp(2x) + 2 exp(x) + 2)^2 with
    # w = 4 (x + 1) + 4 exp(2x) + exp(3x) + exp(x) (4x + 6), w measured from its zero.
    x = np.clip(x, -800.0, 0.0)
    d = _from(_MISH_ZERO, x)
    e1, e2, e3 = _MISH_ZERO_EXPS
    bounded = 4.0 * e2 * np.expm1(2.0 * d) + e3 * np.expm1(3.0 * d)
    near = (bounded + e1 * (_MISH_ZERO_SLOPE * np.expm1(d) + 4.0 * d * np.exp(d))) + 4.0 * d
    right = 4.0 * (x + 1.0) + decay * (4.0 * x + 6.0 + decay * (4.0 + decay))
    w = np.where(d < 0.5, near, right)
    plus_two = decay + 2.0
    product, product_error = two_product(decay, plus_two)
    product_error += decay * (decay - (plus_two - 2.0))
    total = product + 2.0
    error = ((product - (total - 2.0)) + product_error) / total
    return np.asarray(decay * w / (total * total) * (1.0 - 2.0 * error))
