"""Where the state of an unfinished run is kept: whole, or as it was before."""

import os
import time
from pathlib import Path
from typing import Any, Protocol

import torch

from training.errors import CheckpointFailed
from training.interrupt import Interrupt

_SECONDS_BETWEEN = 0.25
# Saving takes at most this share of the time.
_SHARE = 0.05


class Checkpoint(Protocol):
    """The state of one phase of a run."""

    @property
    def is_due(self) -> bool:
        """Whether enough time has passed since the last one was saved."""

    def load(self) -> dict[str, Any] | None:
        """What was saved last, if anything."""

    def save(self, state: dict[str, Any]) -> None:
        """Keep this instead."""


class NoCheckpoint:
    """Of a run whose state nobody keeps."""

    is_due = False

    def load(self) -> dict[str, Any] | None:
        """Nothing."""
        return None

    def save(self, state: dict[str, Any]) -> None:
        """Keep nothing."""


class StopWhenAsked:
    """Keeps nothing, because something else does, and stops a run that was asked to."""

    def __init__(self, interrupt: Interrupt) -> None:
        self._interrupt = interrupt

    @property
    def is_due(self) -> bool:
        """When asked to stop."""
        return self._interrupt.is_asked

    def load(self) -> dict[str, Any] | None:
        """Nothing."""
        return None

    def save(self, state: dict[str, Any]) -> None:  # noqa: ARG002 - as a Checkpoint has it
        """Stop the run, by KeyboardInterrupt, if that was asked for."""
        if self._interrupt.is_asked:
            raise KeyboardInterrupt


class CheckpointFile:
    """A file that is replaced whole: a crash leaves the last state, or the one before.

    What is in it are tensors and plain values, and is read as no more than that.
    """

    def __init__(self, path: Path, interrupt: Interrupt) -> None:
        self._path, self._interrupt = path, interrupt
        self._saved_at, self._took = time.monotonic(), 0.0

    @property
    def is_due(self) -> bool:
        """Every quarter of a second, less often where saving takes long; and when asked to stop."""
        if self._interrupt.is_asked:
            return True
        wait = max(_SECONDS_BETWEEN, self._took / _SHARE)
        return time.monotonic() - self._saved_at >= wait

    def load(self) -> dict[str, Any] | None:
        """The last state. Raises CheckpointFailed for a file that is none."""
        if not self._path.exists():
            return None
        try:
            found: dict[str, Any] = torch.load(self._path, weights_only=True)
        except Exception as exc:
            # torch.load raises what it pleases; whatever it is, the file is no checkpoint.
            raise CheckpointFailed(f"{self._path}: is not a checkpoint that can be read") from exc
        return found

    def save(self, state: dict[str, Any]) -> None:
        """Write a sibling, sync it, and rename it over the last one. Raises CheckpointFailed.

        Then stops the run, by KeyboardInterrupt, if that was asked for.
        """
        start = time.monotonic()
        staging = self._path.with_name(self._path.name + ".writing")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with staging.open("wb") as file:
                torch.save(state, file)
                file.flush()
                os.fsync(file.fileno())
            staging.replace(self._path)
        except OSError as exc:
            raise CheckpointFailed(f"{self._path}: cannot be written: {exc.strerror}") from exc
        self._saved_at = time.monotonic()
        self._took = self._saved_at - start
        if self._interrupt.is_asked:
            raise KeyboardInterrupt
