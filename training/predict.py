"""Classify a table with a published version and write the answers, part by part."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

import polars as pl
from tqdm import tqdm

from service.inference.features import Features
from service.inference.predictor import Predictor
from training.answers import ROWS_AT_ONCE, SET, Wanted, answers
from training.prediction_files import writer_of

_MANY_ROWS = 100_000
_NOTHING = Wanted()
_LABELS_SHOWN = 8


@dataclass
class Told:
    """What was written: rows, how often each label, and labels in all sets, if there are sets."""

    labels: Counter[str] = field(default_factory=Counter)
    in_sets: int | None = None

    @property
    def rows(self) -> int:
        """How many rows have an answer."""
        return self.labels.total()

    def add(self, part: pl.DataFrame) -> None:
        """Count one more part."""
        texts = part.get_column("label").cast(pl.String)
        self.labels.update(texts.to_list())
        if SET in part.columns:
            self.in_sets = (self.in_sets or 0) + int(part.get_column(SET).list.len().sum())

    def lines(self, out: str, version: str) -> Iterator[str]:
        """What there is, for people."""
        yield f"wrote {out}: {self.rows:,} rows, by {version}"
        common = self.labels.most_common(_LABELS_SHOWN)
        more = len(self.labels) - len(common)
        listed = ", ".join(f"{label} {count:,}" for label, count in common)
        yield f"labels: {listed}" + (f" and {more} more" if more else "")
        if self.in_sets is not None and self.rows:
            yield f"prediction sets: {self.in_sets / self.rows:.2f} labels each"


def write_predictions(
    predictor: Predictor,
    features: Features,
    file: BinaryIO,
    asked: Wanted = _NOTHING,
    *,
    as_parquet: bool = False,
) -> Told:
    """Per row of features: label, its probability, that of every class, and what was `asked`.

    In a CSV, text that a spreadsheet would take for a formula begins with an apostrophe.
    """
    told = Told()
    writer = writer_of(file, as_parquet=as_parquet)
    for part in answers(predictor, features, asked, _starts(len(features))):
        writer.write(part)
        told.add(part)
    writer.close()
    return told


def _starts(rows: int) -> Iterator[int]:
    starts: Sequence[int] = range(0, rows, ROWS_AT_ONCE) or [0]
    if rows < _MANY_ROWS or not sys.stderr.isatty():
        return iter(starts)
    shown: Iterable[int] = tqdm(starts, unit="rows", unit_scale=ROWS_AT_ONCE, leave=False)
    return iter(shown)
