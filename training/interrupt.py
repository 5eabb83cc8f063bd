"""Ctrl-C once: stop where nothing is lost. Twice: at once."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupt:
    """Whether somebody has asked the run to stop."""

    def __init__(self) -> None:
        self.is_asked = False

    def ask(self, _signal: int, _frame: FrameType | None) -> None:
        """Take note; the second time, stop."""
        if self.is_asked:
            raise KeyboardInterrupt
        self.is_asked = True
        print(
            "\nstopping after this epoch; Ctrl-C again stops at once", file=sys.stderr, flush=True
        )


@contextmanager
def interruptible() -> Iterator[Interrupt]:
    """Until the end of the block, the first Ctrl-C is a request."""
    interrupt = Interrupt()
    before = signal.signal(signal.SIGINT, interrupt.ask)
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, before)
