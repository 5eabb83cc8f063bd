"""How far probabilities may be believed: temperature, calibration error, prediction sets."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from service.inference.prediction_sets import sets_at
from service.model_repository.provenance import (
    COVERAGE_PERCENTS,
    Calibration,
    CalibrationTest,
    SetMeasure,
)
from training.metrics import LEAST, Answers, Floats, Indices
from training.network import Perceptron
from training.parts import row_parts

# Of 1 / temperature, the range that is searched.
_COLDEST, _HOTTEST = 20.0, 0.02
# Standard deviation of a normal prior of log temperature: without one, rows that are all classified
# correctly would make every prediction certain.
_PRIOR = 0.25
# Logits by which a temperature is searched for; whether it is better than 1 is asked of all.
_MOST_SEARCHED = 10_000_000
# Of these coverages a manifest tells what they came to on test rows.
MEASURED_PERCENTS = (50, 80, 90, 95)
# Coverages of sets by class. Every percent of thousands of classes would make a manifest of
# megabytes.
CLASS_PERCENTS = (50, 80, 90, 95, 99)


def calibrate(logits: Floats, class_index: Indices) -> Calibration:
    """Fit the temperature to rows that no member saw, and measure with it.

    `logits`, (members, n, n_classes), against (n,); members' probabilities are averaged. No
    temperature is worse than 1 on these rows: if none is better, it is 1.
    """
    before = Answers.of_parts(averaged(logits, 1.0), class_index)
    temperature = fit_temperature(logits, class_index)
    after = Answers.of_parts(averaged(logits, temperature), class_index)
    if not after.log_loss < before.log_loss:
        temperature, after = 1.0, before
    return Calibration(
        rows=len(class_index),
        temperature=temperature,
        log_loss_before=before.log_loss,
        log_loss_after=after.log_loss,
        calibration_error_before=before.calibration_error(),
        calibration_error_after=after.calibration_error(),
        thresholds=conformal_thresholds(after, hold_first=False),
        first_thresholds=conformal_thresholds(after, hold_first=True),
        class_percents=CLASS_PERCENTS,
        class_thresholds=class_thresholds(after, logits.shape[2]),
    )


def averaged(logits: Floats, temperature: float) -> Iterator[Floats]:
    """The mean of the members' probabilities, of (members, n, n_classes).

    Part after part of the rows, (m, n_classes) each: all of them, in float64, would be twice as
    large as the logits.
    """
    members, rows, classes = logits.shape
    for part in row_parts(rows, classes):
        found = (_softmax(each[part].astype(np.float64) / temperature) for each in logits)
        # A mean of probabilities may be above 1 by its last bit.
        yield np.minimum(sum(found) / members, 1.0)


def fit_temperature(logits: Floats, class_index: Indices) -> float:
    """The temperature of the lowest log-loss (Guo et al. 2017, section 4.2), and near 1 in doubt.

    Every member's logits, (members, n, n_classes), are divided by it. What is minimised is the
    log-loss less the log of a prior, which is highest at 1.
    """
    # Of thousands of classes fewer rows say as much, and all of them would take minutes.
    rows = slice(None, None, max(1, -(-logits.size // _MOST_SEARCHED)))
    searched = class_index[rows]
    below_highest = logits[:, rows].astype(np.float64)
    below_highest -= below_highest.max(axis=2, keepdims=True)
    true = below_highest[:, np.arange(len(searched)), searched]

    def cost(inverse: float) -> float:
        given = (np.exp(true * inverse) / np.exp(below_highest * inverse).sum(axis=2)).mean(axis=0)
        prior = 0.5 * (math.log(inverse) / _PRIOR) ** 2 / len(searched)
        return float(-np.log(np.maximum(given, LEAST)).mean()) + prior

    found = minimize_scalar(
        cost,
        bounds=(_HOTTEST, _COLDEST),
        method="bounded",
        options={"xatol": 1e-6},
    )
    return float(f"{1 / float(found.x):.6g}")


@torch.no_grad()
def cool(networks: Sequence[Perceptron], temperature: float) -> None:
    """Divide the logits of these networks by the temperature, for good."""
    for network in networks:
        last = network.linears[-1]
        last.weight.div_(temperature)
        last.bias.div_(temperature)


def conformal_thresholds(answers: Answers, *, hold_first: bool) -> tuple[float, ...]:
    """For coverages of 1 to 99 percent, how probable a label must be to be in the set.

    Split conformal prediction with the score 1 - p(true label): of rows like these, sets hold the
    true label with at least that probability (Sadinle et al. 2019, theorem 1; Vovk et al. 2005).
    With `hold_first` the score is 0 where the true label is the most probable one, which is then
    always in the set: the theorem asks for the same score of every row, and not for which one.
    Too few rows for a coverage make it 0, which every label passes.
    """
    return _thresholds(_given(answers, hold_first=hold_first), COVERAGE_PERCENTS)


def class_thresholds(answers: Answers, n_classes: int) -> tuple[tuple[float, ...], ...]:
    """Per percent of CLASS_PERCENTS the threshold of every label, from the rows of that class.

    Sets hold the most probable label, and with it the true one for so many rows of each class
    (label-conditional conformal prediction, Vovk et al. 2005, section 4.5).
    """
    order = np.argsort(answers.class_index, kind="stable")
    given = _given(answers, hold_first=True)[order]
    ends = np.bincount(answers.class_index, minlength=n_classes).cumsum()
    by_class = [_thresholds(one, CLASS_PERCENTS) for one in np.split(given, ends[:-1])]
    return tuple(zip(*by_class, strict=True))


def tested_calibration(
    calibration: Calibration, probabilities: Floats, class_index: Indices
) -> CalibrationTest:
    """What the published graph's probabilities, (n, n_classes), came to on n test rows."""
    return CalibrationTest(
        rows=len(class_index),
        calibration_error=Answers.of(probabilities, class_index).calibration_error(),
        sets=tuple(
            _measured(calibration, percent, probabilities, class_index)
            for percent in MEASURED_PERCENTS
        ),
    )


def _measured(
    calibration: Calibration, percent: int, probabilities: Floats, class_index: Indices
) -> SetMeasure:
    first, rows = probabilities.argmax(axis=1), np.arange(len(class_index))
    held, may_be_empty = (
        sets_at(calibration, percent, hold_first=hold).members(probabilities, first)
        for hold in (True, False)
    )
    return SetMeasure(
        percent=percent,
        coverage=float(held[rows, class_index].mean()),
        mean_size=float(held.sum(axis=1).mean()),
        coverage_with_empty=float(may_be_empty[rows, class_index].mean()),
        empty=float((~may_be_empty.any(axis=1)).mean()),
    )


def _given(answers: Answers, *, hold_first: bool) -> Floats:
    """How probable each row's true label was, (n,); with `hold_first` 1 if it was the first."""
    given = answers.given.astype(np.float32)
    if hold_first:
        given[answers.right] = 1.0
    return given


def _thresholds(given: Floats, percents: Sequence[int]) -> tuple[float, ...]:
    falling, count = np.sort(given)[::-1], len(given)
    needed = (math.ceil((count + 1) * percent / 100) for percent in percents)
    # As short as float32 allows: a service compares in float32.
    return tuple(float(str(falling[k - 1])) if k <= count else 0.0 for k in needed)


def _softmax(logits: Floats) -> Floats:
    return np.asarray(np.exp(log_softmax(logits, axis=1)))
