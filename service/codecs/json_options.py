"""What a predict body may ask for besides the rows."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from service.codecs.json_body import describe, is_number
from service.errors import InvalidInput
from service.model_repository.manifest import Manifest
from service.model_repository.provenance import COVERAGE_PERCENTS

OPTION_KEYS = ("top_k", "coverage", "uncertainty")
_LOWEST, _HIGHEST = COVERAGE_PERCENTS[0] / 100, COVERAGE_PERCENTS[-1] / 100
# 0.29 * 100 is 28.999999999999996: what is this close to a whole percent is one.
_PERCENT_NOISE = 1e-9


@dataclass(frozen=True)
class Options:
    """`top_k` classes in place of all; `threshold` of prediction sets; dropout's uncertainty."""

    top_k: int | None = None
    threshold: float | None = None
    uncertainty: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether nothing is asked for beyond the predictions."""
        return self.threshold is None and not self.uncertainty


NO_OPTIONS = Options()


def decode_options(content: Mapping[str, object], manifest: Manifest) -> Options:
    """The options of a predict body. Raises InvalidInput for one that this model does not have."""
    if not any(key in content for key in OPTION_KEYS):
        return NO_OPTIONS
    return Options(
        top_k=_top_k(content["top_k"], len(manifest.labels)) if "top_k" in content else None,
        threshold=_threshold(content["coverage"], manifest) if "coverage" in content else None,
        uncertainty=_uncertainty(content["uncertainty"], manifest)
        if "uncertainty" in content
        else False,
    )


def _top_k(value: object, classes: int) -> int:
    if type(value) is not int or not 1 <= value <= classes:
        raise InvalidInput(
            f"top_k: expected a whole number from 1 to {classes}, got {describe(value)}"
        )
    return value


def _threshold(value: object, manifest: Manifest) -> float:
    """How probable a label must be to be in the prediction set at this coverage, or more."""
    if not is_number(value) or not isinstance(value, int | float):
        raise InvalidInput(f"coverage: expected a number, got {describe(value)}")
    if not _LOWEST <= value <= _HIGHEST:
        raise InvalidInput(
            f"coverage: expected a number from {_LOWEST:g} to {_HIGHEST:g}, got {describe(value)}"
        )
    if manifest.calibration is None:
        raise InvalidInput("coverage: this version has no calibrated prediction sets")
    percent = math.ceil(value * 100 - _PERCENT_NOISE)
    return manifest.calibration.thresholds[percent - COVERAGE_PERCENTS[0]]


def _uncertainty(value: object, manifest: Manifest) -> bool:
    if not isinstance(value, bool):
        raise InvalidInput(f"uncertainty: expected true or false, got {describe(value)}")
    if value and manifest.signature.uncertainty is None:
        raise InvalidInput("uncertainty: this version was exported without dropout uncertainty")
    return value
