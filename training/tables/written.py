"""Numbers as people write them: a currency's sign, separators, a percent sign, a decimal comma."""

import re
from dataclasses import dataclass

import polars as pl

from service.model_repository.signature import DecimalMark, NumberFormat

_CODES = (
    "USD|EUR|GBP|JPY|CHF|CNY|INR|CAD|AUD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|BRL|MXN|ZAR|KRW|kr|zł|Kč|Ft"
)
CURRENCY = rf"(?:[A-Z]{{0,3}}\p{{Sc}}|{_CODES})"
_BLANK = r"[ \u00a0\u2009\u202f]"
_MARKS = r"[^0-9.,]"


def _pattern(decimal: DecimalMark) -> str:
    point, comma = re.escape(decimal), "," if decimal == "." else r"\."
    whole = (
        rf"\d+|\d{{1,3}}(?:{comma}\d{{3}})+|\d{{1,2}}(?:{comma}\d{{2}})+{comma}\d{{3}}"
        rf"|\d{{1,3}}(?:[ \u00a0\u2009\u202f'\u2019]\d{{3}})+"
    )
    number = rf"(?:(?:{whole})(?:{point}\d*)?|{point}\d+)"
    after = rf"(?:{_BLANK}?(?:{CURRENCY}|%))?"
    before = rf"(?:{CURRENCY}{_BLANK}?)?"
    signed = rf"(?:[-+\u2212]?{_BLANK}?{before}|{CURRENCY}{_BLANK}?[-+\u2212])"
    return rf"^(?:\({before}{number}{after}\)|{signed}{number}{after})$"


_PATTERNS: dict[DecimalMark, str] = {".": _pattern("."), ",": _pattern(",")}
_GROUPED: dict[DecimalMark, str] = {
    ".": r"\d[, \u00a0\u2009\u202f'\u2019]\d",
    ",": r"\d[. \u00a0\u2009\u202f'\u2019]\d",
}


def read_numbers(text: pl.Series, decimal: DecimalMark) -> pl.Series:
    """Float64 of every cell, null where it is no number so written. Percent stays in percent.

    An amount in brackets is negative, as in a ledger.
    """
    values = plain_numbers(text, decimal)
    others = (values.is_null() & text.str.contains(r"\d").fill_null(value=False)).arg_true()
    if not len(others):
        return values
    written = text.gather(others)
    fits = written.str.contains(_PATTERNS[decimal])
    is_negative = written.str.contains(r"^\(|[-\u2212]")
    digits = written.str.replace_all(_MARKS, "")
    digits = digits.str.replace_all("," if decimal == "." else ".", "", literal=True)
    found = digits.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
    found = found.set(~fits, None)
    return values.scatter(others, found.zip_with(~is_negative, -found))


def plain_numbers(text: pl.Series, decimal: DecimalMark = ".") -> pl.Series:
    """Float64 of every cell that is a number as programs write it, null elsewhere."""
    values = text.cast(pl.Float64, strict=False)
    return values if decimal == "." else values.set(text.str.contains(".", literal=True), None)


@dataclass(frozen=True)
class Signs:
    """What cells that are numbers bear beside their digits.

    `currencies` are the signs there are; `percents` and `amounts` count cells that bear one.
    """

    currencies: frozenset[str] = frozenset()
    amounts: int = 0
    percents: int = 0
    separators: bool = False

    def __add__(self, other: "Signs") -> "Signs":
        return Signs(
            self.currencies | other.currencies,
            self.amounts + other.amounts,
            self.percents + other.percents,
            self.separators or other.separators,
        )

    def format(self, decimal: DecimalMark) -> NumberFormat:
        """How a request's reader is told of them."""
        return NumberFormat(
            decimal=decimal,
            currency="".join(sorted(self.currencies)[:1]),
            percent=self.percents > 0,
            separators=self.separators,
        )


def signs_of(numbers: pl.Series, decimal: DecimalMark) -> Signs:
    """The signs of cells that are all numbers so written, but no plain ones."""
    if not len(numbers):
        return Signs()
    currencies = numbers.str.extract(rf"({CURRENCY})").drop_nulls()
    return Signs(
        frozenset(currencies.unique().to_list()),
        len(currencies),
        int(numbers.str.contains(r"%\)?$").sum()),
        bool(numbers.str.contains(_GROUPED[decimal]).any()),
    )
