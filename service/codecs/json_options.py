"""What a predict body may ask for besides the rows."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from service.codecs.json_body import describe, is_number
from service.errors import InvalidInput
from service.inference.prediction_sets import PredictionSets, class_sets_at, sets_at
from service.model_repository.manifest import Manifest
from service.model_repository.provenance import COVERAGE_PERCENTS, Calibration

OPTION_KEYS = ("top_k", "coverage", "coverage_by", "empty_sets", "uncertainty", "warnings")
_LOWEST, _HIGHEST = COVERAGE_PERCENTS[0] / 100, COVERAGE_PERCENTS[-1] / 100
# 0.29 * 100 is 28.999999999999996: what is this close to a whole percent is one.
_PERCENT_NOISE = 1e-9


@dataclass(frozen=True)
class Options:
    """`top_k` classes in place of all; sets; dropout's uncertainty; what is unusual about rows."""

    top_k: int | None = None
    sets: PredictionSets | None = None
    uncertainty: bool = False
    warnings: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether nothing is asked for beyond the predictions."""
        return self.sets is None and not self.uncertainty and not self.warnings


NO_OPTIONS = Options()


def decode_options(content: Mapping[str, object], manifest: Manifest) -> Options:
    """The options of a predict body. Raises InvalidInput for one that this model does not have."""
    if not any(key in content for key in OPTION_KEYS):
        return NO_OPTIONS
    return Options(
        top_k=_top_k(content["top_k"], len(manifest.labels)) if "top_k" in content else None,
        sets=_sets(content, manifest),
        uncertainty=_uncertainty(content["uncertainty"], manifest)
        if "uncertainty" in content
        else False,
        warnings=_warnings(content.get("warnings", False)),
    )


def _top_k(value: object, classes: int) -> int:
    if type(value) is not int or not 1 <= value <= classes:
        raise InvalidInput(
            f"top_k: expected a whole number from 1 to {classes}, got {describe(value)}"
        )
    return value


def _sets(content: Mapping[str, object], manifest: Manifest) -> PredictionSets | None:
    """The prediction sets of a coverage, or more; of a version without other ones, as it has."""
    by_class = _by_class(content.get("coverage_by", "all"))
    empty = content.get("empty_sets")
    if "empty_sets" in content and not isinstance(empty, bool):
        raise InvalidInput(f"empty_sets: expected true or false, got {describe(empty)}")
    if "coverage" not in content:
        for key in ("coverage_by", "empty_sets"):
            if key in content:
                raise InvalidInput(f"{key}: expected coverage beside it, such as 0.9")
        return None
    percent, calibration = _percent(content["coverage"]), manifest.calibration
    if calibration is None:
        raise InvalidInput("coverage: this version has no calibrated prediction sets")
    if by_class:
        return _class_sets(calibration, percent, may_be_empty=empty is True)
    if empty is False and not calibration.first_thresholds:
        raise InvalidInput("empty_sets: this version has only sets that may be empty")
    hold_first = bool(calibration.first_thresholds) and empty is not True
    return sets_at(calibration, percent, hold_first=hold_first)


def _class_sets(calibration: Calibration, percent: int, *, may_be_empty: bool) -> PredictionSets:
    if not calibration.class_percents:
        raise InvalidInput("coverage_by: this version has no thresholds by class")
    if may_be_empty:
        raise InvalidInput("empty_sets: sets by class are never empty: expected false")
    highest = calibration.class_percents[-1]
    if percent > highest:
        raise InvalidInput(
            f"coverage: by class this version has coverages up to {highest / 100:g}, "
            f"got {percent / 100:g}"
        )
    return class_sets_at(calibration, percent)


def _by_class(value: object) -> bool:
    if value not in ("all", "class"):
        raise InvalidInput(f'coverage_by: expected "all" or "class", got {describe(value)}')
    return value == "class"


def _percent(value: object) -> int:
    """A coverage in percent, rounded up to a whole one."""
    if not is_number(value) or not isinstance(value, int | float):
        raise InvalidInput(f"coverage: expected a number, got {describe(value)}")
    if not _LOWEST <= value <= _HIGHEST:
        raise InvalidInput(
            f"coverage: expected a number from {_LOWEST:g} to {_HIGHEST:g}, got {describe(value)}"
        )
    return math.ceil(value * 100 - _PERCENT_NOISE)


def _uncertainty(value: object, manifest: Manifest) -> bool:
    if not isinstance(value, bool):
        raise InvalidInput(f"uncertainty: expected true or false, got {describe(value)}")
    if value and manifest.signature.uncertainty is None:
        raise InvalidInput("uncertainty: this version was exported without dropout uncertainty")
    return value


def _warnings(value: object) -> bool:
    if not isinstance(value, bool):
        raise InvalidInput(f"warnings: expected true or false, got {describe(value)}")
    return value
