"""How a fit is going: a bar with the time left on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Never, Self

from tqdm import tqdm

from training.fitting.batches import Batches
from training.fitting.early_stopping import EpochRecord
from training.inputs import Rows
from training.screen import columns

_LINES = 10
# Between two signs of life within an epoch: on a terminal, and elsewhere.
_BAR_S, _LINE_S = 0.2, 30.0


class Progress:
    """Shows on standard error how far each epoch is, and how it ended."""

    def __init__(self, epochs: int) -> None:
        self._epochs = epochs
        self._bar: tqdm[Never] | None = None
        self._every = max(1, epochs // _LINES)
        self._shown_at = time.monotonic()

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            self._bar = tqdm(
                total=self._epochs,
                leave=False,
                ncols=columns() - 1,
                bar_format="{percentage:3.0f}%|{bar}| epoch {n_fmt} of {total_fmt}, {remaining} "
                "left{postfix}",
            )
        return self

    def watch(self, batches: Batches) -> Batches:
        """The same batches, shown as they pass."""
        return _Watched(batches, self._within)

    def _within(self, epoch: int, share: float) -> None:
        now = time.monotonic()
        if now - self._shown_at < (_LINE_S if self._bar is None else _BAR_S):
            return
        self._shown_at = now
        if self._bar is None:
            print(f"epoch {epoch:4d}: {share:.0%} of its rows", file=sys.stderr, flush=True)
        else:
            self._bar.n = round(epoch - 1 + share, 2)
            self._bar.refresh()

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
        self._shown_at = time.monotonic()
        if self._bar is not None:
            self._bar.n = record.epoch
            self._bar.set_postfix_str(
                f"validation loss {record.validation_loss:.4f}, "
                f"accuracy {record.validation_accuracy:.4f}"
            )
        elif (record.epoch - 1) % self._every == 0:
            print(_line(record), file=sys.stderr, flush=True)


class _Watched:
    """Batches that say after each of them how far the epoch is."""

    def __init__(self, batches: Batches, show: Callable[[int, float], None]) -> None:
        self._batches, self._show = batches, show

    @property
    def steps(self) -> int:
        """About how many batches an epoch has."""
        return self._batches.steps

    def epoch(self, number: int) -> Iterator[Rows]:
        """One epoch of the watched batches."""
        for done, batch in enumerate(self._batches.epoch(number), start=1):
            yield batch
            self._show(number, done / self.steps)


def _line(record: EpochRecord) -> str:
    return (
        f"epoch {record.epoch:4d}: training loss {record.training_loss:.4f}, "
        f"validation loss {record.validation_loss:.4f}, "
        f"validation accuracy {record.validation_accuracy:.4f}"
    )
