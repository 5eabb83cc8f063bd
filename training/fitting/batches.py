"""Where mini-batches come from when the table is in memory."""

from collections.abc import Iterator
from typing import Protocol

import torch

from training.inputs import Inputs, Rows


class Batches(Protocol):
    """Training rows in mini-batches; a batch is valid until the next one is asked for."""

    @property
    def steps(self) -> int:
        """About how many batches an epoch has."""

    def epoch(self) -> Iterator[Rows]:
        """Every row once, in a new order each time."""


class InMemory:
    """Shuffled mini-batches of rows that are tensors."""

    def __init__(self, rows: Rows, *, batch_size: int, dtype: torch.dtype, seed: int) -> None:
        self._encoded = rows.inputs.encoded.to(dtype)
        self._codes = rows.inputs.codes
        self._class_index = rows.class_index
        self._batch_size = batch_size
        self._generator = torch.Generator().manual_seed(seed)
        self._buffer = torch.empty(batch_size, self._encoded.shape[1], dtype=dtype)

    @property
    def steps(self) -> int:
        """How many batches an epoch has."""
        return -(-len(self._class_index) // self._batch_size)

    def epoch(self) -> Iterator[Rows]:
        """Every row once, but for a last one that would be a batch by itself.

        Batch normalisation knows no variance of a single row.
        """
        order = torch.randperm(len(self._class_index), generator=self._generator)
        for chosen in torch.split(order, self._batch_size):
            if len(chosen) == 1 < len(order):
                return
            out = self._buffer[: len(chosen)]
            encoded = torch.index_select(self._encoded, 0, chosen, out=out)
            yield Rows(Inputs(encoded, self._codes[chosen]), self._class_index[chosen])
