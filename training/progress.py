"""How a fit is going: a bar with the time left on a terminal, plain lines elsewhere."""

import sys
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Never, Self

from tqdm import tqdm

from training.fitting.fit import EpochRecord
from training.inputs import Column
from training.preprocess import Summary

_LINES = 10
_COLUMNS_SHOWN = 40


class Progress:
    """Shows each epoch on standard error."""

    def __init__(self, epochs: int) -> None:
        self._epochs = epochs
        self._bar: tqdm[Never] | None = None
        self._every = max(1, epochs // _LINES)

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            self._bar = tqdm(total=self._epochs, unit="epoch", leave=False)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def follow(self, epochs: Iterable[EpochRecord]) -> list[EpochRecord]:
        """Every epoch, in order, each shown as it comes."""
        records = []
        for record in epochs:
            records.append(record)
            self._show(record)
        if self._bar is None and records and (records[-1].epoch - 1) % self._every:
            print(_line(records[-1]), file=sys.stderr)
        return records

    def _show(self, record: EpochRecord) -> None:
        if self._bar is not None:
            self._bar.update()
            self._bar.set_postfix_str(
                f"validation loss {record.validation_loss:.4f}, "
                f"accuracy {record.validation_accuracy:.4f}"
            )
        elif (record.epoch - 1) % self._every == 0:
            print(_line(record), file=sys.stderr, flush=True)


def _line(record: EpochRecord) -> str:
    return (
        f"epoch {record.epoch:4d}: training loss {record.training_loss:.4f}, "
        f"validation loss {record.validation_loss:.4f}, "
        f"validation accuracy {record.validation_accuracy:.4f}"
    )


def show_table(columns: Sequence[Column], summaries: Sequence[Summary]) -> None:
    """What was taken for what, on standard error; of a wide table the first columns."""
    width = min(32, max(len(column.name) for column in columns[:_COLUMNS_SHOWN]))
    pairs = list(zip(columns, summaries, strict=True))
    for column, summary in pairs[:_COLUMNS_SHOWN]:
        print(f"{column.name:{width}.{width}}  {_described(column, summary)}", file=sys.stderr)
    if len(pairs) > _COLUMNS_SHOWN:
        numbers = sum(column.kind == "number" for column in columns)
        print(
            f"... {len(columns)} columns in all: {numbers} of numbers, "
            f"{len(columns) - numbers} of categories",
            file=sys.stderr,
        )


def show_notes(notes: Sequence[str]) -> None:
    """What the user should know, on standard error."""
    for note in notes:
        print(f"note: {note}", file=sys.stderr)


def _described(column: Column, summary: Summary) -> str:
    missing = f", {summary.missing:.1%} missing" if summary.missing else ""
    unused = ", not used" if summary.unused else ""
    if column.kind == "number":
        return f"number    {summary.minimum:g} to {summary.maximum:g}{missing}{unused}"
    categories = summary.categories or ()
    shown = ", ".join(categories[:4]) + (", ..." if len(categories) > 4 else "")
    return f"category  {len(categories)}: {shown}{missing}{unused}"
