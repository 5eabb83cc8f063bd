"""Where the state of an unfinished run is kept: whole, or as it was before."""

import io
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import torch

from training.errors import CheckpointFailed
from training.interrupt import Interrupt

State = dict[str, Any]

_SECONDS_BETWEEN = 0.25
# Saving takes at most this share of the time.
_SHARE = 0.05
_ANEW = "without --resume the run begins anew"


class Checkpoint(Protocol):
    """The state of one phase of a run."""

    @property
    def is_due(self) -> bool:
        """Whether enough time has passed since the last one was saved."""

    def restore(self, take: Callable[[State], None]) -> None:
        """Hand what was saved last, if anything, to `take`."""

    def save(self, state: State) -> None:
        """Keep this instead."""


class NoCheckpoint:
    """Of a run whose state nobody keeps."""

    is_due = False

    def restore(self, take: Callable[[State], None]) -> None:
        """There is nothing."""

    def save(self, state: State) -> None:
        """Keep nothing."""


class StopWhenAsked:
    """Keeps nothing, because something else does, and stops a run that was asked to."""

    def __init__(self, interrupt: Interrupt) -> None:
        self._interrupt = interrupt

    @property
    def is_due(self) -> bool:
        """When asked to stop."""
        return self._interrupt.is_asked

    def restore(self, take: Callable[[State], None]) -> None:
        """There is nothing."""

    def save(self, state: State) -> None:  # noqa: ARG002 - as a Checkpoint has it
        """Stop the run, by Stopped, if that was asked for."""
        self._interrupt.stop_if_asked()


class CheckpointFile:
    """A file that is replaced whole: a crash leaves the last state, or the one before.

    What is in it are tensors and plain values, and is read as no more than that. `made_by` is what
    the result depends on beside the settings and the table, such as the release.
    """

    def __init__(self, path: Path, interrupt: Interrupt, made_by: Mapping[str, str]) -> None:
        self._path, self._interrupt, self._made_by = path, interrupt, dict(made_by)
        self._saved_at, self._took = time.monotonic(), 0.0

    @property
    def is_due(self) -> bool:
        """Every quarter of a second, less often where saving takes long; and when asked to stop."""
        if self._interrupt.is_asked:
            return True
        wait = max(_SECONDS_BETWEEN, self._took / _SHARE)
        return time.monotonic() - self._saved_at >= wait

    def restore(self, take: Callable[[State], None]) -> None:
        """Hand over the last state, if there is one.

        Raises CheckpointFailed for a file that is none, for one that was made by something else,
        and for a state that `take` cannot make use of.
        """
        if not self._path.exists():
            return
        found = self._read()
        self._require_same_maker(found["made_by"])
        try:
            take(found["state"])
        except (KeyError, IndexError, TypeError, ValueError, AttributeError, RuntimeError) as exc:
            raise CheckpointFailed(
                f"{self._path}: does not hold the state of this run; {_ANEW}"
            ) from exc

    def save(self, state: State) -> None:
        """Write a sibling, sync it, and rename it over the last one. Raises CheckpointFailed.

        Then stops the run, by Stopped, if that was asked for.
        """
        start = time.monotonic()
        # Written to a file straight away, torch.save tells of a full disk in words of its own.
        content = io.BytesIO()
        torch.save({"made_by": self._made_by, "state": state}, content)
        self._write(content.getbuffer())
        self._saved_at = time.monotonic()
        self._took = self._saved_at - start
        self._interrupt.stop_if_asked()

    def _read(self) -> dict[str, Any]:
        try:
            found = torch.load(self._path, weights_only=True)
        except Exception as exc:
            # torch.load raises what it pleases; whatever it is, the file is no checkpoint.
            raise CheckpointFailed(self._unreadable) from exc
        if not isinstance(found, dict) or found.keys() != {"made_by", "state"}:
            raise CheckpointFailed(self._unreadable)
        return found

    @property
    def _unreadable(self) -> str:
        return f"{self._path}: is not a checkpoint that can be read; {_ANEW}"

    def _require_same_maker(self, made_by: Mapping[str, str]) -> None:
        here, there = self._made_by, made_by
        apart = [
            f"{name} {there.get(name, 'unknown')} there, {here.get(name, 'unknown')} here"
            for name in dict.fromkeys((*here, *there))
            if here.get(name) != there.get(name)
        ]
        if apart:
            raise CheckpointFailed(
                f"{self._path}: was made otherwise than this run is ({'; '.join(apart)}), which "
                f"would come to other weights: go on with the same again; {_ANEW}"
            )

    def _write(self, content: memoryview) -> None:
        staging = self._path.with_name(self._path.name + ".writing")
        try:
            with staging.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            staging.replace(self._path)
        except OSError as exc:
            staging.unlink(missing_ok=True)
            raise CheckpointFailed(
                f"{self._path}: cannot be written: {exc.strerror}; what was kept before is still "
                "there, and --runs names another folder"
            ) from exc
