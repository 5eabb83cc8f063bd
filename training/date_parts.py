"""What the calendar says of dates: day of the week, place in the month and the year, time of day.

Decision 35. Exact for every date of the Gregorian calendar: 400 years are 146,097
days; what each century lacks in leap days is put back, and then every four years are alike
(Richards, Explanatory Supplement to the Astronomical Almanac, 2013, 15.11). raw_rows.py writes the
same steps as ONNX nodes.
"""

import datetime as dt
import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt

from service.inference.dates import FIRST_DAY, LAST_DAY
from service.inference.features import Floats

if TYPE_CHECKING:
    # Its import takes longer than to look at a table, which does without.
    import torch

Places = npt.NDArray[np.int64]

# From 0000-03-01 on, a leap day is the last of its year, its century and its four centuries.
DAYS_BEFORE_1970 = 719_468
DAYS_OF_400_YEARS, DAYS_OF_A_CENTURY, DAYS_OF_4_YEARS = 146_097, 36_524, 1_461
# What there is of one date: 7 week days from Monday on, sine and cosine of the place in the month,
# of the place in the year, and of the time of day.
WEEK, MONTH, YEAR, TIME = range(7), range(7, 9), range(9, 11), range(11, 13)
N_PARTS = 13


@cache
def week_table() -> Floats:
    """Which day of the week it is, (7, 7), by the days since 0000-03-01 modulo 7."""
    # That was a Wednesday.
    return np.roll(np.eye(7, dtype=np.float32), -2, axis=0)


@cache
def month_and_year_table() -> Floats:
    """Sine and cosine of the places in month and year, (1461, 4), of four years from 1 March on.

    The year is counted from 1 March, so that a leap day moves no other day.
    """
    first, angles = dt.date(2000, 3, 1), []
    for day in range(DAYS_OF_4_YEARS):
        date = first + dt.timedelta(day)
        march = dt.date(date.year - (date.month < 3), 3, 1)
        angles.append(((date.day - 1) / 31, (date - march).days / 366))
    turns = 2 * math.pi * np.array(angles)
    parts = np.stack([np.sin(turns), np.cos(turns)], axis=2)
    return parts.reshape(-1, 4).astype(np.float32)


@dataclass(frozen=True)
class Calendar:
    """The parts of m dates that the network sees.

    `places` are theirs among the numbers; `kept` are places among the m * N_PARTS parts.
    """

    places: Places
    kept: Places

    def encode(self, filled: "torch.Tensor", missing: "torch.Tensor") -> "torch.Tensor":
        """Days, (n, k), and which of them were gaps, to (n, len(kept)); 0 for a gap.

        Days that no date has are taken for the nearest that one has.
        """
        import torch

        days = filled[:, self.places].clamp(FIRST_DAY, LAST_DAY)
        whole = days.floor()
        number = whole.to(torch.int64) + DAYS_BEFORE_1970
        week = torch.from_numpy(week_table())[number % 7]
        month_and_year = torch.from_numpy(month_and_year_table())[_in_4_years(number)]
        turn = (days - whole) * (2 * math.pi)
        time = torch.stack([turn.sin(), turn.cos()], dim=2)
        parts = torch.cat([week, month_and_year, time], dim=2)
        parts = torch.where(missing[:, self.places, None], torch.zeros(()), parts)
        return parts.flatten(1)[:, self.kept]

    @property
    def has_times(self) -> bool:
        """Whether the time of day of some date is seen."""
        return bool(np.isin(self.kept % N_PARTS, TIME).any())


_Whole = TypeVar("_Whole", "torch.Tensor", Places)


def _in_4_years(number: _Whole) -> _Whole:
    """The row of month_and_year_table, by the days since 0000-03-01."""
    in_400_years = number % DAYS_OF_400_YEARS
    century = in_400_years // DAYS_OF_A_CENTURY
    # The last day of the four hundred years is of the fourth century, too.
    century = century - century // 4
    return (in_400_years + century) % DAYS_OF_4_YEARS


def parts_worth_seeing(present: Floats) -> list[int]:
    """The parts of one date that its training rows tell something of.

    A cycle that they do not go round once is left out, for of the rest of it nothing could be
    learned, and so is one in which all have one place. Of the week days those that they hold.
    """
    span = float(present[-1] - present[0])
    whole = np.unique(np.floor(present))
    number = whole.astype(np.int64) + DAYS_BEFORE_1970
    held = np.flatnonzero(week_table()[number % 7].any(axis=0)).tolist()
    month, year = np.split(month_and_year_table()[_in_4_years(number)], 2, axis=1)
    kept = [WEEK[day] for day in held] if span >= 7 and len(held) > 1 else []
    if span >= 31 and np.ptp(month, axis=0).any():
        kept += MONTH
    if span >= 366 and np.ptp(year, axis=0).any():
        kept += YEAR
    if (present % 1).any():
        kept += TIME
    return kept
