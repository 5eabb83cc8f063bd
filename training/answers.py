"""What a model says of rows, in columns: label, probabilities, and on request more."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from service.inference.features import Features
from service.inference.prediction_sets import PredictionSets, sets_at
from service.inference.predictor import Predictions, Predictor
from service.nearest import did_you_mean
from training.errors import ConfigInvalid, TableInvalid
from training.tables.files import Arrays
from training.tables.table import label_text, listing

ROWS_AT_ONCE = 8192
SET, ENTROPY, INFORMATION = "prediction_set", "entropy", "mutual_information"
_SMALLEST, _LARGEST = 1, 99


@dataclass(frozen=True)
class Wanted:
    """What goes with the predictions: columns of the file, sets of labels, uncertainty."""

    kept: pl.DataFrame | None = None
    sets: PredictionSets | None = None
    uncertainty: bool = False


def wanted(
    predictor: Predictor, *, kept: pl.DataFrame | None, coverage: float | None, uncertainty: bool
) -> Wanted:
    """What was asked for, if the version has it. Raises ConfigInvalid and TableInvalid."""
    if uncertainty and predictor.manifest.signature.uncertainty is None:
        raise ConfigInvalid(
            "--uncertainty: this version was published without dropout masks: train it with "
            "--uncertainty 30"
        )
    names = columns_of(predictor, has_sets=coverage is not None, uncertainty=uncertainty)
    taken = [] if kept is None else [name for name in kept.columns if name in names]
    if taken:
        raise TableInvalid(
            f"--keep {taken[0]}: the predictions have a column of that name; there are: "
            f"{listing(names)}"
        )
    sets = None if coverage is None else _sets(predictor, coverage)
    return Wanted(kept, sets, uncertainty)


def kept_columns(path: Path, data: pl.DataFrame | Arrays, names: list[str]) -> pl.DataFrame | None:
    """These columns of a file, which go with its predictions. Raises TableInvalid."""
    if not names:
        return None
    if isinstance(data, Arrays):
        raise TableInvalid(f"{path}: --keep goes with tables that have named columns")
    for name in names:
        if name not in data.columns:
            raise TableInvalid(
                f"{path}: --keep names '{name}'; there are: {listing(data.columns)}"
                f"{did_you_mean(name, data.columns)}"
            )
        if data.schema[name].is_nested() or data.schema[name] in (pl.Binary, pl.Object):
            raise TableInvalid(
                f"{path}: --keep '{name}': expected text, numbers or dates, got {data.schema[name]}"
            )
    return pl.DataFrame([data.get_column(name) for name in dict.fromkeys(names)])


def columns_of(predictor: Predictor, *, has_sets: bool, uncertainty: bool) -> list[str]:
    """The names of the columns of predictions."""
    named = [f"probability_{label_text(label)}" for label in predictor.manifest.labels]
    more = [SET] if has_sets else []
    return ["label", "probability", *named, *more, *([ENTROPY, INFORMATION] if uncertainty else [])]


def answers(
    predictor: Predictor, features: Features, asked: Wanted, starts: Iterator[int]
) -> Iterator[pl.DataFrame]:
    """The predictions of n rows, part by part: those from each of `starts` on."""
    for start in starts:
        part = features[start : start + ROWS_AT_ONCE]
        found = predictor.predict(part, uncertainty=asked.uncertainty)
        frame = _frame(predictor, found, asked)
        if asked.kept is not None:
            frame = pl.concat([asked.kept[start : start + ROWS_AT_ONCE], frame], how="horizontal")
        yield frame


def _frame(predictor: Predictor, found: Predictions, asked: Wanted) -> pl.DataFrame:
    labels = pl.Series(list(predictor.manifest.labels))
    probabilities = found.probabilities
    columns = [
        labels.gather(found.class_index),
        pl.Series(probabilities.max(axis=1)),
        *(pl.Series(column) for column in np.ascontiguousarray(probabilities.T)),
    ]
    if asked.sets is not None:
        inside = asked.sets.members(probabilities, found.class_index)
        each = np.array(labels.to_list(), dtype=object)
        members = [each[row].tolist() for row in inside]
        columns.append(pl.Series(members, dtype=pl.List(labels.dtype)))
    if found.uncertainty is not None:
        columns += map(pl.Series, (found.uncertainty.entropy, found.uncertainty.mutual_information))
    names = columns_of(
        predictor, has_sets=asked.sets is not None, uncertainty=found.uncertainty is not None
    )
    return pl.DataFrame(dict(zip(names, columns, strict=True)))


def _sets(predictor: Predictor, coverage: float) -> PredictionSets:
    percent = round(100 * coverage)
    if not _SMALLEST <= percent <= _LARGEST or abs(100 * coverage - percent) > 1e-6:
        meant = f"; {coverage:g} % is {coverage / 100:g}" if 1 < coverage <= _LARGEST else ""
        raise ConfigInvalid(
            f"--coverage: expected hundredths from 0.01 to 0.99, got {coverage:g}{meant}"
        )
    calibration = predictor.manifest.calibration
    if calibration is None:
        raise ConfigInvalid("--coverage: this version has no calibration: train it again")
    return sets_at(calibration, percent, hold_first=bool(calibration.first_thresholds))
