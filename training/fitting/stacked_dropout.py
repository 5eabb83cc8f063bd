"""Dropout masks of many models, each from its own stream of random bytes."""

from collections.abc import Sequence

import numpy as np
import torch

from training.fitting.masks import LEVELS, RandomBytes, dropped_levels

_BYTES_AT_ONCE = 1 << 24
_where_above = torch.ops.aten.threshold_backward.grad_input


class StackedDropout:
    """The masks of one layer; model i draws what it would draw alone.

    Raw bytes are drawn for many steps at once, (models, steps * batch_size * width).
    """

    def __init__(
        self, rates: Sequence[float], seeds: Sequence[int], *, layer: int, row_bytes: int
    ) -> None:
        self._levels = [dropped_levels(rate) for rate in rates]
        self._seeds, self._layer, self._row_bytes = list(seeds), layer, row_bytes
        self._set_levels()

    def _set_levels(self) -> None:
        levels = torch.tensor(self._levels, dtype=torch.float32)
        # Halves, so that a byte is never on the threshold.
        self._threshold = (levels - 0.5).view(-1, 1, 1)
        self.scale = (LEVELS / (LEVELS - levels)).view(-1, 1, 1)
        self.is_on = any(self._levels)

    def keep(self, models: Sequence[int]) -> None:
        """Leave only these models, in this order."""
        self._levels = [self._levels[i] for i in models]
        self._seeds = [self._seeds[i] for i in models]
        self._set_levels()

    def begin(self, epoch: int, rows: Sequence[Sequence[int]]) -> None:
        """Take the masks of this epoch, in which step s trains on rows[s][i] rows of model i."""
        self._streams = [
            RandomBytes(seed, epoch=epoch, layer=self._layer) if levels else None
            for seed, levels in zip(self._seeds, self._levels, strict=True)
        ]
        largest = max(map(max, rows)) * self._row_bytes
        self._steps_at_once = max(1, _BYTES_AT_ONCE // (largest * len(self._seeds)))
        self._rows, self._next = rows, 0
        self._first = 0
        self._drawn = np.empty((0, 0), dtype=np.uint8)

    def noise(self, out: torch.Tensor) -> torch.Tensor:
        """Fill (models, rows, width) for the next step; below 0 is dropped."""
        models, rows, width = out.shape
        if self._next >= self._first + len(self._drawn):
            self._draw()
        step = self._drawn[self._next - self._first]
        self._next += 1
        drawn = torch.from_numpy(step[:models, : rows * width]).view(models, rows, width)
        # Two passes: PyTorch is slow where it converts and broadcasts at once.
        return out.copy_(drawn).sub_(self._threshold[:models])

    def _draw(self) -> None:
        self._first = self._next
        steps = self._rows[self._first : self._first + self._steps_at_once]
        most = max(map(max, steps)) * self._row_bytes
        self._drawn = np.empty((len(steps), len(self._seeds), most), dtype=np.uint8)
        for model, stream in enumerate(self._streams):
            if stream is None:
                self._drawn[:, model] = LEVELS - 1
                continue
            counts = [rows[model] * self._row_bytes for rows in steps]
            taken = stream.take(sum(counts)).numpy()
            start = 0
            for step, count in enumerate(counts):
                self._drawn[step, model, :count] = taken[start : start + count]
                start += count


def drop(values: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
    """Set values to 0 where the noise is below 0."""
    kept = _where_above(values, noise, 0, grad_input=values)
    assert isinstance(kept, torch.Tensor)
    return kept


def pass_positive(upstream: torch.Tensor, output: torch.Tensor) -> torch.Tensor:
    """Set the gradient to 0 where a rectifier's output, dropped out or not, is 0."""
    passed = _where_above(upstream, output, 0, grad_input=upstream)
    assert isinstance(passed, torch.Tensor)
    return passed
