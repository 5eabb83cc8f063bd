"""How far probabilities may be believed: temperature, calibration error, prediction sets."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from service.model_repository.provenance import COVERAGE_PERCENTS, Calibration
from training.metrics import Floats, Indices, calibration_error, log_loss
from training.network import Perceptron

# Of 1 / temperature, the range that is searched.
_COLDEST, _HOTTEST = 20.0, 0.02
# Standard deviation of a normal prior of log temperature: without one, rows that are all classified
# correctly would make every prediction certain.
_PRIOR = 0.25


def calibrate(logits: Floats, class_index: Indices) -> Calibration:
    """Fit the temperature to validation rows, (n, n_classes) against (n,), and measure with it.

    No temperature is worse than 1 on these rows: if none is better, it is 1.
    """
    wide = logits.astype(np.float64)
    temperature = fit_temperature(wide, class_index)
    before, after = _softmax(wide), _softmax(wide / temperature)
    return Calibration(
        rows=len(class_index),
        temperature=temperature,
        log_loss_before=log_loss(before, class_index),
        log_loss_after=log_loss(after, class_index),
        calibration_error_before=calibration_error(before, class_index),
        calibration_error_after=calibration_error(after, class_index),
        thresholds=conformal_thresholds(after, class_index),
    )


def fit_temperature(logits: Floats, class_index: Indices) -> float:
    """The temperature of the lowest log-loss (Guo et al. 2017, section 4.2), and near 1 in doubt.

    What is minimised is the log-loss less the log of a prior, which is highest at 1: so the
    log-loss found is never above that of 1.
    """

    def cost(inverse: float) -> float:
        prior = 0.5 * (math.log(inverse) / _PRIOR) ** 2 / len(class_index)
        return log_loss(_softmax(logits * inverse), class_index) + prior

    found = minimize_scalar(
        cost,
        bounds=(_HOTTEST, _COLDEST),
        method="bounded",
        options={"xatol": 1e-6},
    )
    inverse = float(found.x)
    if log_loss(_softmax(logits * inverse), class_index) >= log_loss(_softmax(logits), class_index):
        return 1.0
    # To six digits, and judged as it will be used.
    temperature = float(f"{1 / inverse:.6g}")
    is_better = log_loss(_softmax(logits / temperature), class_index) < log_loss(
        _softmax(logits), class_index
    )
    return temperature if is_better else 1.0


@torch.no_grad()
def cool(networks: Sequence[Perceptron], temperature: float) -> None:
    """Divide the logits of these networks by the temperature, for good."""
    for network in networks:
        last = network.linears[-1]
        last.weight.div_(temperature)
        last.bias.div_(temperature)


def conformal_thresholds(probabilities: Floats, class_index: Indices) -> tuple[float, ...]:
    """For coverages of 1 to 99 percent, how probable a label must be to be in the set.

    Split conformal prediction with the score 1 - p(true label): of rows like these, sets hold the
    true label with at least that probability (Sadinle et al. 2019, theorem 1; Vovk et al. 2005).
    Too few rows for a coverage make it 0, which every label passes.
    """
    given = probabilities[np.arange(len(class_index)), class_index].astype(np.float32)
    falling = np.sort(given)[::-1]
    count = len(falling)
    needed = (math.ceil((count + 1) * percent / 100) for percent in COVERAGE_PERCENTS)
    return tuple(float(falling[k - 1]) if k <= count else 0.0 for k in needed)


def _softmax(logits: Floats) -> Floats:
    return np.asarray(np.exp(log_softmax(logits, axis=1)))
