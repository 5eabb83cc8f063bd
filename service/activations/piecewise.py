"""Activation functions made of straight and parabolic pieces.

At a kink the derivative is PyTorch's: that of the piece that PyTorch's backward pass takes.
"""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def _where(
    condition: npt.NDArray[np.bool_], then: Array | float, otherwise: Array | float
) -> Array:
    return np.where(condition, then, otherwise)


def relu(x: Array) -> Array:
    return _where(x > 0, x, 0.0)


def relu_derivative(x: Array) -> Array:
    return _where(x > 0, 1.0, 0.0)


def leaky_relu(x: Array, *, negative_slope: float) -> Array:
    return _where(x > 0, x, negative_slope * x)


def leaky_relu_derivative(x: Array, *, negative_slope: float) -> Array:
    return _where(x > 0, 1.0, negative_slope)


def prelu(x: Array, *, init: float) -> Array:
    return leaky_relu(x, negative_slope=init)


def prelu_derivative(x: Array, *, init: float) -> Array:
    return leaky_relu_derivative(x, negative_slope=init)


def hardtanh(x: Array, *, min_val: float, max_val: float) -> Array:
    return np.minimum(np.maximum(x, min_val), max_val)


def hardtanh_derivative(x: Array, *, min_val: float, max_val: float) -> Array:
    return _where((x > min_val) & (x < max_val), 1.0, 0.0)


def relu6(x: Array) -> Array:
    return hardtanh(x, min_val=0.0, max_val=6.0)


def relu6_derivative(x: Array) -> Array:
    return hardtanh_derivative(x, min_val=0.0, max_val=6.0)


def hardsigmoid(x: Array) -> Array:
    return relu6(x + 3.0) / 6.0


def hardsigmoid_derivative(x: Array) -> Array:
    return _where((x > -3) & (x < 3), 1.0 / 6.0, 0.0)


def hardswish(x: Array) -> Array:
    bent = np.clip(x, -3.0, 3.0)
    return _where(x > 3, x, bent * (bent + 3.0) / 6.0)


def hardswish_derivative(x: Array) -> Array:
    bent = np.clip(x, -3.0, 3.0)
    return _where(x <= -3, 0.0, _where(x >= 3, 1.0, (2.0 * bent + 3.0) / 6.0))


def softshrink(x: Array, *, lambd: float) -> Array:
    return _where(x > lambd, x - lambd, _where(x < -lambd, x + lambd, 0.0))


def hardshrink(x: Array, *, lambd: float) -> Array:
    return _where(np.abs(x) > lambd, x, 0.0)


def shrink_derivative(x: Array, *, lambd: float) -> Array:
    return _where(np.abs(x) > lambd, 1.0, 0.0)


def bends_at_zero(**_parameters: float) -> tuple[float, ...]:
    return (0.0,)


def bends_of_relu6() -> tuple[float, ...]:
    return (0.0, 6.0)


def bends_of_hardsigmoid() -> tuple[float, ...]:
    return (-3.0, 3.0)


def bends_of_hardtanh(*, min_val: float, max_val: float) -> tuple[float, ...]:
    return (min_val, max_val)


def bends_of_shrinks(*, lambd: float) -> tuple[float, ...]:
    return (-lambd, lambd)
