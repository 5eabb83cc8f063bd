"""Gaussian error linear units, exact and in the tanh form (Hendrycks & Gimpel 2016).

The normal distribution's tail is computed as density times Mills ratio, so that it keeps its
digits down to the smallest normal number; float64 libraries lose them beyond x = -5.
"""

import numpy as np
import numpy.typing as npt
from numpy.polynomial.polynomial import polyval

from service.activations.extended import Pair, exp_of_pair, pair_product, two_product, two_sum

Array = npt.NDArray[np.float64]

# 1 / sqrt(2 pi), as a pair.
_INVERSE_SQRT_TWO_PI = (0.3989422804014327, -2.49232720227773e-17)

# Polynomial in s = (u - 4) / (u + 4) for (u + 1) times the upper tail over exp(-u^2 / 2), u >= 0;
# tests/service/activations/test_gaussian.py computes it anew with mpmath.
_MILLS = (
    0.47205320650984467,
    -0.09670347732652576,
    0.013999634724424455,
    0.028600364053544897,
    -0.032197837428028876,
    0.017936097479883197,
    -0.0050023785923607065,
    -0.0002856231014892457,
    0.000694897120184032,
    -9.443022018959657e-05,
    -8.785329222964207e-05,
    2.1249845892894568e-05,
    1.3627344150798229e-05,
    -3.4313840853670177e-06,
    -2.61426070042354e-06,
    4.022654201026358e-07,
    5.545351057486293e-07,
    5.587251102357557e-09,
    -1.1405819667561067e-07,
    -2.504577746292124e-08,
    1.9877590086615577e-08,
    1.0374601849939196e-08,
    -2.3909758560954607e-09,
    -2.769707955780764e-09,
    9.975840281675827e-11,
    4.845099012828035e-10,
    1.2150315292579737e-11,
    -4.261222328401154e-11,
)

# The zero of gelu', and the Taylor coefficients of gelu' there; also computed anew in the tests.
_GELU_ZERO = (-0.7517915246935645, 1.4956759177009883e-17)
_GELU_TAYLOR = (
    0.0,
    0.4314939923140469,
    0.388284982990552,
    -0.018199676398671087,
    -0.1140082332972217,
    -0.014771522148244337,
    0.019421679838189067,
    0.004539228379125415,
    -0.002239538068073497,
    -0.0007448268386746817,
    0.00018633974623233514,
    8.615947861116571e-05,
    -1.121438018842664e-05,
    -7.74846130700372e-06,
    4.3284506257392273e-07,
    5.702764979242107e-07,
    -1.6044265494246427e-09,
    -3.5459866461783865e-08,
    -1.396942086426202e-09,
    1.90319840501314e-09,
    1.4506418938779426e-10,
    -8.950037692726255e-11,
    -9.950340824808053e-12,
    3.725967039270119e-12,
    5.482292964742324e-13,
    -1.3820118240601056e-13,
    -2.5871508475507507e-14,
    4.578167824271334e-15,
    1.0789662518230159e-15,
    -1.3507094681149317e-16,
    -4.0514385281601486e-17,
    3.508210778008599e-18,
    1.386912168501325e-18,
    -7.777150045686552e-20,
    -4.367664669884747e-20,
    1.3438717003142014e-21,
)
_GELU_TAYLOR_RADIUS = 0.75

# 2 sqrt(2 / pi), 0.044715 and three times that, as pairs.
_TANH_SCALE = (1.5957691216057308, -9.96930880911092e-17)
_TANH_CUBIC = (0.044715, 2.1960211427085595e-18)
_TANH_CUBIC_DERIVATIVE = (0.134145, 1.3526957332032908e-17)

# The zero of gelu_tanh', and the Taylor coefficients of gelu_tanh' there.
_GELU_TANH_ZERO = (-0.7524614220710163, 3.635560509207687e-17)
_GELU_TANH_TAYLOR = (
    0.0,
    0.4304000910248585,
    0.38751844613578895,
    -0.01578285352184803,
    -0.11394448308095899,
    -0.01661932834305256,
    0.019682309459833118,
    0.005261059254921912,
    -0.0024227318458750974,
    -0.0009274420230205449,
    0.00026392764052681053,
    0.00012425227802639782,
    -3.4956171694436116e-05,
    -1.5950896871645105e-05,
    5.918611710894005e-06,
    2.4335516344299543e-06,
    -9.898647747433667e-07,
    -4.3102482988029016e-07,
    1.4157556987729473e-07,
    7.520740909289922e-08,
    -1.6978217459781023e-08,
    -1.196180847972441e-08,
    1.7637802707907564e-09,
    1.744987137846621e-09,
    -1.708811216951738e-10,
    -2.433873557833449e-10,
    1.687283177355558e-11,
    3.393384490409003e-11,
)
_GELU_TANH_TAYLOR_RADIUS = 0.5

# Beyond this the tail is below the smallest normal number.
_FAR = 40.0


def _decay(u: Array) -> tuple[Array, Array]:
    """exp(-u^2 / 2), and the relative error in it of rounding u^2."""
    square, error = two_product(u, u)
    return np.exp(-0.5 * square), -0.5 * error


def _tail_over_decay(u: Array) -> tuple[Array, Array]:
    """The upper tail of the normal distribution over exp(-u^2 / 2), and its relative error."""
    total = u + 1.0
    ratio = polyval((u - 4.0) / (u + 4.0), _MILLS) / total
    return ratio, ((total - u) - 1.0) / total


def gelu(x: Array) -> Array:
    u = np.minimum(np.abs(x), _FAR)
    decay, decay_error = _decay(u)
    ratio, ratio_error = _tail_over_decay(u)
    tail = decay * ratio * (1.0 + (decay_error + ratio_error))
    return np.where(x >= 0, x * (1.0 - tail), -u * tail)


def gelu_derivative(x: Array) -> Array:
    u = np.minimum(np.abs(x), _FAR)
    decay, decay_error = _decay(u)
    ratio, ratio_error = _tail_over_decay(u)
    density, density_error = two_product(u, np.full_like(u, _INVERSE_SQRT_TWO_PI[0]))
    density_error += u * _INVERSE_SQRT_TWO_PI[1]
    difference = (ratio - density) + (ratio * ratio_error - density_error)
    beyond = decay * difference * (1.0 + decay_error)
    d = _distance(x, _GELU_ZERO)
    near = np.abs(d) < _GELU_TAYLOR_RADIUS
    left = np.where(near, polyval(np.where(near, d, 0.0), _GELU_TAYLOR), beyond)
    return np.where(x >= 0, 1.0 - beyond, left)


def _distance(x: Array, zero: tuple[float, float]) -> Array:
    return (x - zero[0]) - zero[1]


def _cubic(x: Array, coefficient: tuple[float, float]) -> Pair:
    """2 sqrt(2/pi) (x + coefficient * x^3), to about 30 digits."""
    ratio = pair_product(two_product(x, x), _pair_like(x, coefficient))
    one_plus, error = two_sum(np.ones_like(x), ratio[0])
    scaled = pair_product((x, np.zeros_like(x)), _pair_like(x, _TANH_SCALE))
    return pair_product(scaled, two_sum(one_plus, error + ratio[1]))


def _pair_like(x: Array, pair: tuple[float, float]) -> Pair:
    return np.full_like(x, pair[0]), np.full_like(x, pair[1])


def gelu_tanh(x: Array) -> Array:
    u = np.minimum(np.abs(x), _FAR)
    decay = exp_of_pair(_cubic(-u, _TANH_CUBIC))
    return x * (np.where(x >= 0, 1.0, decay) / (1.0 + decay))


def gelu_tanh_derivative(x: Array) -> Array:
    # With v the cubic, s = sigmoid(v) and p = x v'(x): s (1 + p (1 - s)),
    # which for x < 0 is s (1 - s) (1 + exp(v) + p).
    u = np.minimum(np.abs(x), _FAR)
    decay = exp_of_pair(_cubic(-u, _TANH_CUBIC))
    slope, slope_error = _cubic(u, _TANH_CUBIC_DERIVATIVE)
    total = 1.0 + decay
    error = (decay - (total - 1.0)) / total
    share = decay / total
    right = (1.0 + slope * share) / total
    numerator = (1.0 - slope) + (decay - slope_error)
    beyond = share * (numerator / total) * (1.0 - 2.0 * error)
    d = _distance(x, _GELU_TANH_ZERO)
    near = np.abs(d) < _GELU_TANH_TAYLOR_RADIUS
    left = np.where(near, polyval(np.where(near, d, 0.0), _GELU_TANH_TAYLOR), beyond)
    return np.where(x >= 0, right, left)
