"""Where mini-batches come from when the table is in memory."""

from collections.abc import Iterator
from typing import Protocol

import torch

from training.inputs import Inputs, Rows
from training.seeds import stream_seed


class Batches(Protocol):
    """Training rows in mini-batches; a batch is valid until the next one is asked for."""

    @property
    def steps(self) -> int:
        """About how many batches an epoch has."""

    def epoch(self, number: int) -> Iterator[Rows]:
        """Every row once, in an order of that epoch's own."""


class InMemory:
    """Shuffled mini-batches of rows that are tensors; of those in `which`, if it is given."""

    def __init__(
        self,
        rows: Rows,
        *,
        batch_size: int,
        dtype: torch.dtype,
        seed: int,
        which: torch.Tensor | None = None,
    ) -> None:
        self._which = which
        self._encoded = rows.inputs.encoded.to(dtype)
        self._codes = rows.inputs.codes
        self._class_index = rows.class_index
        self._n_rows = len(rows) if which is None else len(which)
        self._batch_size = batch_size
        self._seed = seed
        self._buffer = torch.empty(batch_size, self._encoded.shape[1], dtype=dtype)

    @property
    def steps(self) -> int:
        """How many batches an epoch has."""
        return steps_an_epoch(self._n_rows, self._batch_size)

    def epoch(self, number: int) -> Iterator[Rows]:
        """Every row once, but for a last one that would be a batch by itself."""
        order = epoch_order(self._n_rows, self._seed, number)
        if self._which is not None:
            order = self._which[order]
        for chosen in torch.split(order, self._batch_size)[: self.steps]:
            out = self._buffer[: len(chosen)]
            encoded = torch.index_select(self._encoded, 0, chosen, out=out)
            yield Rows(Inputs(encoded, self._codes[chosen]), self._class_index[chosen])


def steps_an_epoch(n_rows: int, batch_size: int) -> int:
    """How many batches rows in memory make; a single row left over is none.

    Batch normalisation knows no variance of a single row.
    """
    whole, rest = divmod(n_rows, batch_size)
    return max(1, whole + (rest > 1))


def epoch_order(n_rows: int, seed: int, epoch: int) -> torch.Tensor:
    """The order, (n_rows,), in which rows in memory are trained on in one epoch."""
    generator = torch.Generator().manual_seed(stream_seed(seed, "shuffle", epoch))
    return torch.randperm(n_rows, generator=generator)
