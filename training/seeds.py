"""Independent streams of random numbers out of the one seed of a run."""

from typing import Literal

import numpy as np

_STREAMS = {"shuffle": 1, "masks": 2, "fold": 3, "settings": 4, "subset": 5, "calibration": 6}


Stream = Literal["shuffle", "masks", "fold", "settings", "subset", "calibration"]


def stream_seed(seed: int, stream: Stream, *place: int) -> int:
    """A 64-bit seed for one place, such as an epoch, in one stream.

    Whatever starts anew at a place needs no generator's state to go on from there.
    """
    words = np.random.SeedSequence([seed, _STREAMS[stream], *place]).generate_state(1, np.uint64)
    return int(words[0])
