"""How a version came about, as its manifest tells: selection, diagnosis, calibration."""

from typing import Annotated, Literal, Self

from pydantic import Field, JsonValue, model_validator

from service.model_repository.signature import Share, Value

# Coverages of prediction sets, in percent: every whole one from the first to the last.
COVERAGE_PERCENTS = range(1, 100)

Verdict = Literal[
    "well fitted",
    "underfitting",
    "overfitting",
    "too little data",
    "no better than guessing",
    "misses a class",
    "suspected leak",
]
Loss = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]


class SetMeasure(Value):
    """Prediction sets of one coverage on test rows.

    `coverage` is the share of rows whose set held the true label, `mean_size` the labels in a set;
    `coverage_with_empty` and `empty` (the share of empty sets) are of sets that may be empty.
    """

    percent: Annotated[int, Field(ge=1, le=99)]
    coverage: Share
    mean_size: Annotated[float, Field(ge=0)]
    coverage_with_empty: Share
    empty: Share


class CalibrationTest(Value):
    """What the published graph's probabilities and prediction sets came to on test rows."""

    rows: Count
    calibration_error: Share
    sets: tuple[SetMeasure, ...]


_Thresholds = tuple[Share, ...]


class Calibration(Value):
    """Measured on rows that set no weight; `temperature` is folded into the graph already.

    Expected calibration error (Guo et al. 2017, equation 3) and log-loss (nats) before and after
    it. `thresholds` are for coverages of 1 to 99 percent: the prediction set holds every label
    whose probability is at least that (split conformal prediction, Sadinle et al. 2019), which of
    an unsure row may be none. `first_thresholds` are the same for sets that hold the most probable
    label in any case; versions of before have none. `class_thresholds` are such thresholds for
    each label by itself, one row for each of `class_percents`; 0, which every label passes, where
    a class had too few rows.
    """

    rows: Count
    temperature: Annotated[float, Field(gt=0)]
    log_loss_before: Loss
    log_loss_after: Loss
    calibration_error_before: Share
    calibration_error_after: Share
    thresholds: Annotated[
        _Thresholds, Field(min_length=len(COVERAGE_PERCENTS), max_length=len(COVERAGE_PERCENTS))
    ]
    first_thresholds: _Thresholds = ()
    class_percents: tuple[Annotated[int, Field(ge=1, le=99)], ...] = ()
    class_thresholds: tuple[_Thresholds, ...] = ()
    test: CalibrationTest | None = None

    @model_validator(mode="after")
    def _thresholds_are_whole(self) -> Self:
        if len(self.first_thresholds) not in (0, len(COVERAGE_PERCENTS)):
            raise ValueError(
                f"expected {len(COVERAGE_PERCENTS)} first thresholds, or none, "
                f"got {len(self.first_thresholds)}"
            )
        if len(self.class_thresholds) != len(self.class_percents):
            raise ValueError("expected class thresholds for each of the class percents")
        if list(self.class_percents) != sorted(set(self.class_percents)):
            raise ValueError("expected rising class percents")
        return self


class Grouping(Value):
    """Rows with one value in `column` belong together: no part of the split divides them."""

    column: str
    count: Annotated[int, Field(ge=1)]


class Twins(Value):
    """Test rows whose features equal those of a row for training or validation.

    `other_label`: of these, with such a row of another label. `is_whole` unless it was looked for
    in a sample of the training rows alone.
    """

    rows: Count
    share: Share
    other_label: Count
    is_whole: bool = True


class SettingScore(Value):
    """One setting of a search over its folds; `values` are those that the search varied.

    `log_losses`, `accuracies` and `best_epochs` are per fold, at each fold's best epoch. `ended`
    says why a setting was not trained to its end.
    """

    values: dict[str, JsonValue]
    parameter_count: Count
    log_losses: tuple[Loss, ...]
    accuracies: tuple[Share, ...]
    best_epochs: tuple[Count, ...]
    mean_log_loss: Loss | None
    standard_error: Loss | None
    ended: str | None = None


class Selection(Value):
    """A cross-validated choice; `best` and `chosen` are places in `settings`.

    The chosen one is the simplest within one standard error of the best.
    """

    folds: Annotated[int, Field(ge=2)]
    search: Literal["grid", "random", "tpe"]
    settings: Annotated[tuple[SettingScore, ...], Field(min_length=1)]
    best: Count
    chosen: Count

    @model_validator(mode="after")
    def _are_among_the_settings(self) -> Self:
        if max(self.best, self.chosen) >= len(self.settings):
            raise ValueError("the best and the chosen setting are not among the settings")
        return self


class Finding(Value):
    """One thing noticed about a fit, the numbers behind it, and what to try, as flags."""

    name: str
    sentence: str
    numbers: dict[str, float]
    advice: tuple[str, ...] = ()


class ReferenceScore(Value):
    """What a quick reference, fitted to `training_rows`, reaches on `rows` validation rows."""

    name: str
    training_rows: Count
    rows: Count
    accuracy: Share
    log_loss: Loss


class Diagnosis(Value):
    """The verdict on a fit, everything else that was noticed, and the references it was held to."""

    verdict: Verdict
    findings: Annotated[tuple[Finding, ...], Field(min_length=1)]
    references: tuple[ReferenceScore, ...] = ()


class LearningCurvePoint(Value):
    """Validation scores, per fold, of networks that were trained on `rows` rows."""

    rows: Count
    log_losses: tuple[Loss, ...]
    accuracies: tuple[Share, ...]


class Uncertainty(Value):
    """What dropout's uncertainty is worth on test rows.

    `error_by_quintile`: share of wrong predictions in each fifth of the rows by entropy of the
    mean over the masks, the surest first. `separation`: the probability that a row with its columns
    shuffled has a higher mutual information than a test row (area under the ROC curve).
    """

    masks: Annotated[int, Field(ge=2)]
    rows: Count
    error_by_quintile: tuple[Share, ...]
    separation: Share
