"""How far a share that was counted on some rows may be from that of all rows like them."""

import math
from dataclasses import dataclass

# The standard normal distribution's 0.975 quantile: 95 % lie within as much of 0 on either side.
_QUANTILE = 1.959963984540054


@dataclass(frozen=True)
class Interval:
    """From `low` to `high`, of shares between 0 and 1."""

    low: float
    high: float

    def __str__(self) -> str:
        """With as many digits as its width deserves: two of a hundred rows, four of millions."""
        width = self.high - self.low
        digits = 2 if width > 0.02 else 3 if width > 0.002 else 4
        return f"{self.low:.{digits}f} to {self.high:.{digits}f}"


def wilson(hits: float, rows: int) -> Interval:
    """The 95 % interval of a share that is `hits` of `rows`, which are at least 1.

    The score interval (Wilson 1927, "Probable inference, the law of succession, and statistical
    inference"), which Brown, Cai and DasGupta (2001) recommend for few rows: it covers the truth
    about as often as it says, also near 0 and 1. It takes rows to be drawn one by one: of groups
    of rows that are alike, the true interval is wider.
    """
    square = _QUANTILE**2
    share = hits / rows
    centre = (share + square / (2 * rows)) / (1 + square / rows)
    spread = math.sqrt(share * (1 - share) / rows + square / (4 * rows**2))
    reach = _QUANTILE / (1 + square / rows) * spread
    # At the ends centre and reach are equal but for rounding.
    low = 0.0 if hits == 0 else centre - reach
    high = 1.0 if hits == rows else centre + reach
    return Interval(low, high)


def of_share(share: float, rows: int) -> Interval | None:
    """The interval of a share of so many rows, which counts whole rows; none of no rows."""
    return wilson(round(share * rows), rows) if rows else None
