"""What the cells of a text column look like: numbers, however written, dates, gaps or words."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from service.model_repository.signature import DecimalMark
from training.tables.date_cells import DateCells, look_at_dates
from training.tables.gap_words import GAP_WORDS
from training.tables.written import Signs, plain_numbers, read_numbers, signs_of

# Up to so many different values, a column of numbers and words is one of categories.
_FEW = 20
_LOOKED_AT_FIRST = 1000
_CODE, _CODE_WITH_ZEROS = r"^\d+$", r"^0\d+$"


@dataclass(frozen=True)
class AsNumbers:
    """Cells that are numbers with one decimal mark, and the signs that they bear.

    `alone` counts those that are none with the other mark, of which `example` is the first; `word`
    is the first cell that is neither a number nor says that it is a gap, with its row.
    """

    count: int = 0
    alone: int = 0
    example: str | None = None
    signs: Signs = field(default_factory=Signs)
    word: tuple[int, str] | None = None

    def __add__(self, other: "AsNumbers") -> "AsNumbers":
        return AsNumbers(
            self.count + other.count,
            self.alone + other.alone,
            self.example or other.example,
            self.signs + other.signs,
            self.word or other.word,
        )


@dataclass(frozen=True)
class TextCells:
    """Counts of cells that are not missing; `a + b` is what the rows of a and then b look like.

    `by_point` and `by_comma` are the numbers by decimal mark, `codes` and `zeros` the cells of
    digits alone and those that begin with a zero. `gaps` are cells that may say in words that there
    is no value. `distinct` is None for more than a few different cells; `dates` counts the leading
    ones of the first thousand.
    """

    present: int = 0
    by_point: AsNumbers = field(default_factory=AsNumbers)
    by_comma: AsNumbers = field(default_factory=AsNumbers)
    codes: int = 0
    zeros: int = 0
    gaps: Mapping[str, int] = field(default_factory=dict)
    distinct: frozenset[str] | None = frozenset()
    dates: DateCells = field(default_factory=DateCells)

    @property
    def are_codes(self) -> bool:
        """Whether all are digits, some with zeros before them that a number would lose."""
        return self.zeros > 0 and self.codes + sum(self.gaps.values()) == self.present

    def numbers(self, decimal: DecimalMark) -> AsNumbers:
        """The cells as numbers with this decimal mark."""
        return self.by_point if decimal == "." else self.by_comma

    def are_numbers(self, decimal: DecimalMark) -> bool:
        """Whether all are numbers with this decimal mark, but for words that may say a gap."""
        count = self.numbers(decimal).count
        return 0 < count == self.present - sum(self.gaps.values())

    def __add__(self, other: "TextCells") -> "TextCells":
        return TextCells(
            present=self.present + other.present,
            by_point=self.by_point + other.by_point,
            by_comma=self.by_comma + other.by_comma,
            codes=self.codes + other.codes,
            zeros=self.zeros + other.zeros,
            gaps=Counter(self.gaps) + Counter(other.gaps),
            distinct=_joined(self.distinct, other.distinct),
            dates=self.dates + other.dates,
        )


def look_at(text: pl.Series, first_row: int = 0) -> TextCells:
    """These cells, null where missing; the first of them is in row `first_row` + 1."""
    present = text.drop_nulls()
    plain = plain_numbers(text).is_not_null()
    if len(present) and int(plain.sum()) == len(present):
        first = present.head(_LOOKED_AT_FIRST)
        with_point = first.filter(read_numbers(first, ",").is_null())
        if len(with_point):
            # Most columns of numbers: what they are with a comma need not be asked.
            return TextCells(
                present=len(present),
                by_point=AsNumbers(len(present), len(with_point), with_point[0]),
                distinct=_distinct(present),
                dates=look_at_dates(text, first_row),
            )
    by_point, by_comma = (read_numbers(text, mark).is_not_null() for mark in (".", ","))
    gaps = text.filter(text.str.to_lowercase().is_in(list(GAP_WORDS)) & ~by_point & ~by_comma)
    return TextCells(
        present=len(present),
        by_point=_as_numbers(text, ".", by_point, by_comma, plain, first_row),
        by_comma=_as_numbers(text, ",", by_comma, by_point, plain, first_row),
        codes=int(present.str.contains(_CODE).sum()),
        zeros=int(present.str.contains(_CODE_WITH_ZEROS).sum()),
        gaps=Counter(gaps.to_list()),
        distinct=_distinct(present),
        dates=look_at_dates(text, first_row),
    )


def _as_numbers(
    text: pl.Series,
    decimal: DecimalMark,
    numbers: pl.Series,
    others: pl.Series,
    plain: pl.Series,
    first_row: int,
) -> AsNumbers:
    alone = text.filter(numbers & ~others)
    return AsNumbers(
        count=int(numbers.sum()),
        alone=len(alone),
        example=alone[0] if len(alone) else None,
        signs=signs_of(text.filter(numbers & ~plain), decimal),
        word=_first_word(text, numbers, first_row),
    )


def _first_word(text: pl.Series, numbers: pl.Series, first_row: int) -> tuple[int, str] | None:
    words = text.is_not_null() & ~numbers & ~text.str.to_lowercase().is_in(list(GAP_WORDS))
    rows = words.fill_null(value=False).arg_true()
    return (first_row + int(rows[0]) + 1, str(text[int(rows[0])])) if len(rows) else None


def _distinct(present: pl.Series) -> frozenset[str] | None:
    for cells in (present.head(_LOOKED_AT_FIRST), present):
        if (different := cells.unique()).len() > _FEW:
            return None
    return frozenset(different.to_list())


def _joined(a: frozenset[str] | None, b: frozenset[str] | None) -> frozenset[str] | None:
    both = None if a is None or b is None else a | b
    return None if both is None or len(both) > _FEW else both
