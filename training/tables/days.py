"""Days since 1970-01-01 of a column of dates, as service.inference.dates counts them."""

import numpy as np
import numpy.typing as npt
import polars as pl

from service.inference.dates import (
    DAY_MICROSECONDS,
    FAR_DAYS,
    STEP_MICROSECONDS,
    STEPS_A_DAY,
    read_date,
)
from service.model_repository.signature import DateForm

Days = npt.NDArray[np.float64]


def days_of_moments(cells: pl.Series) -> Days:
    """Of dates, or of moments: those with a time zone at UTC. NaN where there is none."""
    microseconds = cells.cast(pl.Datetime("us")).to_physical()
    found = microseconds.fill_null(0).to_numpy()
    whole = (found // DAY_MICROSECONDS).astype(np.float64)
    with_time = found // STEP_MICROSECONDS / STEPS_A_DAY
    days = np.where((whole >= -FAR_DAYS) & (whole < FAR_DAYS), with_time, whole)
    days[microseconds.is_null().to_numpy()] = np.nan
    return days


def days_of_texts(cells: pl.Series, form: DateForm) -> Days:
    """Of text without blanks around it, null where missing; NaN where it is missing or no date."""
    texts = cells.unique().drop_nulls()
    found = [read_date(text, (), form) for text in texts.to_list()]
    days = pl.Series(found, dtype=pl.Float64, strict=False)
    return (
        cells.replace_strict(texts, days, default=None, return_dtype=pl.Float64)
        .fill_null(float("nan"))
        .to_numpy()
    )
