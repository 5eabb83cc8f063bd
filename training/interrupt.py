"""Ctrl-C or SIGTERM once: stop where nothing is lost. Twice: at once."""

import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(KeyboardInterrupt):
    """A run that a signal has stopped.

    `left` says what there is of it, `can_go_on` whether there is something to go on with, and
    `can_publish` whether what was best so far can be published.
    """

    def __init__(
        self,
        number: int,
        left: str = "nothing was published or written",
        *,
        can_go_on: bool = False,
        can_publish: bool = False,
    ) -> None:
        super().__init__()
        self.number, self.left = number, left
        self.can_go_on, self.can_publish = can_go_on, can_publish

    @property
    def exit_status(self) -> int:
        """As a shell has it for a process that a signal ended."""
        return 128 + self.number


class Interrupt:
    """Whether somebody has asked the run to stop."""

    def __init__(self) -> None:
        self._asked: int | None = None

    @property
    def is_asked(self) -> bool:
        """Whether a signal has come."""
        return self._asked is not None

    def ask(self, number: int, _frame: FrameType | None) -> None:
        """Take note; the second time, stop."""
        if self._asked is not None:
            raise Stopped(number)
        self._asked = number
        again = "Ctrl-C again" if number == signal.SIGINT else "a second signal"
        # A print that this handler has come in the middle of could not be begun again.
        sentence = f"\nstopping after this epoch; {again} stops at once\n"
        os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, sentence.encode())

    def stop_if_asked(self) -> None:
        """Raise Stopped if a signal has come."""
        if self._asked is not None:
            raise Stopped(self._asked)


@contextmanager
def interruptible(interrupt: Interrupt) -> Iterator[None]:
    """Until the end of the block, the first signal is a request; it is granted there at the latest.

    Raises Stopped.
    """
    with _handled(dict.fromkeys(_SIGNALS, interrupt.ask)):
        yield
    interrupt.stop_if_asked()


@contextmanager
def tidily_terminated() -> Iterator[None]:
    """Until the end of the block, SIGTERM raises Stopped, so that everything is put away."""
    with _handled({signal.SIGTERM: _stop}):
        yield


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    raise Stopped(number)


@contextmanager
def _handled(
    handlers: Mapping[signal.Signals, Callable[[int, FrameType | None], object]],
) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
