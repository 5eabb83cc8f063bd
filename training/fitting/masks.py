"""Random bytes for dropout masks, drawn in blocks."""

import numpy as np
import torch

from training.seeds import stream_seed

_BLOCK = 1 << 16
LEVELS = 256


def dropped_levels(rate: float) -> int:
    """How many of the 256 values of a random byte drop a unit, for a rate in [0, 1).

    At least one for a rate above 0, and never all, so that some units are kept.
    """
    if rate == 0.0:
        return 0
    return min(max(1, round(rate * LEVELS)), LEVELS - 1)


class RandomBytes:
    """A stream of uniform random bytes for one layer in one epoch; layer 0 is the inputs.

    How many are taken at a time does not change them. SFC64 (Doty-Humphrey 2010) passes PractRand
    and BigCrush, and a byte costs a third of what it costs from PyTorch's Mersenne Twister.
    """

    def __init__(self, seed: int, *, epoch: int, layer: int) -> None:
        self._generator = np.random.SFC64(stream_seed(seed, "masks", epoch, layer))
        self._block = torch.empty(0, dtype=torch.uint8)
        self._next = 0

    def take(self, count: int) -> torch.Tensor:
        """The next `count` bytes, as uint8; valid until the next call."""
        if self._next + count > len(self._block):
            rest = self._block[self._next :]
            words = (max(_BLOCK, count) + 7) // 8
            drawn = torch.from_numpy(self._generator.random_raw(words).view(np.uint8))
            self._block = torch.cat([rest, drawn]) if len(rest) else drawn
            self._next = 0
        taken = self._block[self._next : self._next + count]
        self._next += count
        return taken
