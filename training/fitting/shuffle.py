"""Mini-batches of a streamed table, out of a shuffle buffer whose size a memory limit sets."""

from collections.abc import Iterator, Sequence

import torch

from training.encoding import Preprocessing
from training.errors import ConfigInvalid
from training.fitting.batches import steps_an_epoch
from training.inputs import Column, Inputs, Rows
from training.seeds import stream_seed
from training.tables.columns import values_of
from training.tables.parquet_files import ROWS_READ_AT_ONCE
from training.tables.parts import TRAINING
from training.tables.stream import ParquetTable

# What the interpreter, the libraries and the allocator hold beside the table: measured, and not
# asked of the process, which never holds the same amount twice.
_BASE = 480 << 20
# A half of the buffer is copied when the other half has gone out.
_COPIES = 1.5
_MOST_ROWS = 1 << 20


class ShuffleBuffer:
    """Training rows of a Parquet table: row groups in a random order, through a buffer.

    Whenever the buffer is full a random half of it goes out.
    """

    def __init__(
        self,
        table: ParquetTable,
        columns: Sequence[Column],
        preprocessing: Preprocessing,
        *,
        batch_size: int,
        dtype: torch.dtype,
        memory: int,
        seed: int,
    ) -> None:
        self._table, self._columns, self._preprocessing = table, columns, preprocessing
        self._batch_size = batch_size
        self._n_rows = int(table.counts[TRAINING].sum())
        self._seed = seed
        self._generator = torch.Generator()
        self.capacity = self._capacity(memory, dtype)
        width, codes = preprocessing.n_encoded, len(preprocessing.embedded)
        self._encoded = torch.empty(self.capacity, width, dtype=dtype)
        self._codes = torch.empty(self.capacity, codes, dtype=torch.int64)
        self._class_index = torch.empty(self.capacity, dtype=torch.int64)

    @property
    def steps(self) -> int:
        """How many batches an epoch has."""
        return steps_an_epoch(self._n_rows, self._batch_size)

    def epoch(self, number: int) -> Iterator[Rows]:
        """Every training row once, but for a last one that would be a batch by itself."""
        self._generator.manual_seed(stream_seed(self._seed, "shuffle", number))
        filled = 0
        for rows in self._chunks():
            taken = 0
            while taken < len(rows):
                count = min(len(rows) - taken, self.capacity - filled)
                self._put(rows, slice(taken, taken + count), filled)
                filled, taken = filled + count, taken + count
                if filled == self.capacity:
                    out = max(self._batch_size, filled // 2 // self._batch_size * self._batch_size)
                    yield from self._emit(filled, out)
                    filled -= out
        yield from self._emit(filled, filled)

    def _chunks(self) -> Iterator[Rows]:
        def shuffled(groups: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
            order = torch.randperm(len(groups), generator=self._generator)
            return [groups[i] for i in order]

        names = [column.name for column in self._columns]
        for chunk in self._table.chunks(shuffled, names):
            chosen = chunk.part == TRAINING
            frame = chunk.frame.filter(chosen)
            features = values_of(
                self._table.path.name, frame, self._columns, self._table.missing_texts
            )
            class_index = torch.from_numpy(chunk.class_index[chosen])
            yield Rows(self._preprocessing.encode(features), class_index)

    def _put(self, rows: Rows, which: slice, at: int) -> None:
        home = slice(at, at + which.stop - which.start)
        self._encoded[home] = rows.inputs.encoded[which]
        self._codes[home] = rows.inputs.codes[which]
        self._class_index[home] = rows.class_index[which]

    def _emit(self, filled: int, out: int) -> Iterator[Rows]:
        """Send out that many of the filled rows, chosen at random, and move the rest together."""
        order = torch.randperm(filled, generator=self._generator)
        for chosen in torch.split(order[:out], self._batch_size):
            if len(chosen) == 1 < min(self._batch_size, self._n_rows):
                break
            inputs = Inputs(self._encoded[chosen], self._codes[chosen])
            yield Rows(inputs, self._class_index[chosen])
        rest = order[out:]
        for tensor in (self._encoded, self._codes, self._class_index):
            tensor[: len(rest)] = tensor[rest]

    def _capacity(self, memory: int, dtype: torch.dtype) -> int:
        preprocessing = self._preprocessing
        row_bytes = (
            preprocessing.n_encoded * dtype.itemsize + 8 * (len(preprocessing.embedded) + 1)
        ) * _COPIES
        fewest = max(4 * self._batch_size, ROWS_READ_AT_ONCE)
        # A chunk is read, and lies encoded beside the buffer that takes it.
        chunk = 2 * ROWS_READ_AT_ONCE * preprocessing.n_encoded * torch.float32.itemsize
        used = _BASE + self._table.sample_bytes + 2 * self._table.largest_row_group + chunk
        rows = int((memory - used) // row_bytes)
        if rows < fewest:
            least = (used + fewest * row_bytes) / 2**30
            raise ConfigInvalid(
                f"--memory: expected at least {least:.2f}GiB for this table, got "
                f"{memory / 2**30:.2f}GiB; a Parquet file with smaller row groups needs less"
            )
        return min(rows, _MOST_ROWS, max(self._n_rows, fewest))
