"""What the cells of a text column look like, and so whether they are numbers, dates or words."""

from dataclasses import dataclass

import polars as pl

from training.errors import TableInvalid

# Up to so many different values, a column of numbers and words is one of categories.
_FEW = 20
_DATES_LOOKED_AT = 1000
_DECIMAL_COMMA = r"^[+-]?\d+,\d+$"
_DATE = r"^\d{4}-\d{2}-\d{2}([T ].*)?$"


@dataclass(frozen=True)
class TextCells:
    """Counts of cells that are not missing; `a + b` is what the rows of a and then b look like.

    `distinct` is None for more than a few different cells; `word` is the first cell that is no
    number, with its row; `dates` counts the leading ones of the first thousand.
    """

    present: int = 0
    numbers: int = 0
    with_comma: int = 0
    comma: str | None = None
    distinct: frozenset[str] | None = frozenset()
    word: tuple[int, str] | None = None
    dates: int = 0

    @property
    def are_dates(self) -> bool:
        """Whether all are dates, as far as was looked."""
        return 0 < self.dates == min(self.present, _DATES_LOOKED_AT)

    def __add__(self, other: "TextCells") -> "TextCells":
        only_dates = self.dates == self.present
        return TextCells(
            present=self.present + other.present,
            numbers=self.numbers + other.numbers,
            with_comma=self.with_comma + other.with_comma,
            comma=self.comma or other.comma,
            distinct=_joined(self.distinct, other.distinct),
            word=self.word or other.word,
            dates=min(_DATES_LOOKED_AT, self.dates + (other.dates if only_dates else 0)),
        )

    def are_words(self, source: str, name: str) -> bool:
        """Whether the column is one of categories. Raises TableInvalid where that is not clear."""
        if self.numbers == self.present:
            return False
        if 2 * (self.with_comma + self.numbers) > self.present and self.with_comma > self.numbers:
            raise TableInvalid(
                f"{source}: column '{name}' holds numbers with a comma such as '{self.comma}': "
                "expected a decimal point and no separator of thousands; "
                f"--categorical '{name}' takes it as text"
            )
        if 2 * self.numbers <= self.present or self.distinct is not None:
            return True
        row, word = self.word or (0, "")
        raise TableInvalid(
            f"{source}: column '{name}' mixes {self.numbers} numbers with "
            f"{self.present - self.numbers} other texts, the first '{word[:40]}' in row {row}: "
            f"mend the file, or --categorical '{name}' takes all of it as text"
        )


def look_at(text: pl.Series, first_row: int = 0) -> TextCells:
    """These cells, null where missing; the first of them is in row `first_row` + 1."""
    present = text.drop_nulls()
    is_number = present.cast(pl.Float64, strict=False).is_not_null()
    numbers = int(is_number.sum())
    words = present.filter(~is_number) if numbers < len(present) else present.head(0)
    commas = words.filter(words.str.contains(_DECIMAL_COMMA))
    return TextCells(
        present=len(present),
        numbers=numbers,
        with_comma=len(commas),
        comma=commas[0] if len(commas) else None,
        distinct=_distinct(present),
        word=_first_word(text, first_row) if len(words) else None,
        dates=_leading_dates(present.head(_DATES_LOOKED_AT)),
    )


def _distinct(present: pl.Series) -> frozenset[str] | None:
    for cells in (present.head(1000), present):
        if (different := cells.unique()).len() > _FEW:
            return None
    return frozenset(different.to_list())


def _first_word(text: pl.Series, first_row: int) -> tuple[int, str]:
    wrong = text.is_not_null() & text.cast(pl.Float64, strict=False).is_null()
    row = int(wrong.arg_true()[0])
    return first_row + row + 1, str(text[row])


def _leading_dates(present: pl.Series) -> int:
    others = (~present.str.contains(_DATE)).arg_true()
    return int(others[0]) if len(others) else len(present)


def _joined(a: frozenset[str] | None, b: frozenset[str] | None) -> frozenset[str] | None:
    both = None if a is None or b is None else a | b
    return None if both is None or len(both) > _FEW else both
