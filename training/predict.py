"""Classify a table with a published version and write the answers as CSV, chunk by chunk."""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import polars as pl
from tqdm import tqdm

from service.inference.features import Features
from service.inference.predictor import Predictor
from service.model_repository.manifest import Label
from training.errors import TableInvalid
from training.tables.table import label_text

ROWS_AT_ONCE = 8192
_MANY_ROWS = 100_000
# A spreadsheet takes text that begins so for a formula (OWASP, CSV injection).
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def write_predictions(predictor: Predictor, features: Features, file: BinaryIO) -> None:
    """Per row of features: label, its probability, and that of every class.

    A text label that a spreadsheet would take for a formula begins with an apostrophe.
    """
    labels = predictor.manifest.labels
    names = [f"probability_{label_text(label)}" for label in labels]
    shown = pl.Series(list(map(guarded, labels)), dtype=pl.String)
    for start in _starts(len(features)):
        predictions = predictor.predict(features[start : start + ROWS_AT_ONCE])
        probabilities = predictions.probabilities
        columns = {
            "label": shown.gather(predictions.class_index),
            "probability": probabilities.max(axis=1),
            **{name: probabilities[:, place] for place, name in enumerate(names)},
        }
        file.write(pl.DataFrame(columns).write_csv(include_header=start == 0).encode())


def guarded(label: Label) -> str:
    """The label as a cell that no spreadsheet runs; numbers and booleans stay as they are."""
    text = label_text(label)
    is_formula = isinstance(label, str) and text.startswith(_FORMULA_STARTS)
    return f"'{text}" if is_formula else text


def _starts(rows: int) -> Iterable[int]:
    starts = range(0, rows, ROWS_AT_ONCE)
    if rows < _MANY_ROWS or not sys.stderr.isatty():
        return starts
    return tqdm(starts, unit="rows", unit_scale=ROWS_AT_ONCE, leave=False)


@contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """A file to write that takes the place of `path` at the end, or leaves no trace of itself.

    What is no regular file, such as a pipe, is written as it is. Raises TableInvalid.
    """
    try:
        # Before the path is resolved: what a process substitution names has no other one.
        if path.exists() and not path.is_file():
            with path.open("wb") as file:
                yield file
            return
        target = path.resolve()
        staging = target.with_name(f".{target.name}.{os.getpid()}.writing")
        try:
            with staging.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            if target.exists():
                staging.chmod(target.stat().st_mode & 0o777)
            staging.replace(target)
        finally:
            staging.unlink(missing_ok=True)
    except OSError as exc:
        raise TableInvalid(f"{path}: cannot be written: {exc.strerror}") from exc
