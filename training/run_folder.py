"""The folder of one unfinished run: its checkpoints, found again by its settings and its table."""

import hashlib
import shutil

from training.config import RunConfig
from training.errors import CheckpointFailed
from training.fitting.checkpoint import CheckpointFile
from training.interrupt import Interrupt

# Where a run is published, or told of, has no part in what it comes to.
TOLD_ELSEWHERE = frozenset({"models", "data", "runs", "report", "tensorboard", "mlflow", "storage"})


class RunFolder:
    """<runs>/<name>-<digest of settings and table>, made when there is something to keep."""

    def __init__(self, config: RunConfig, fingerprint: str, interrupt: Interrupt) -> None:
        settings = config.model_dump_json(exclude=set(TOLD_ELSEWHERE))
        digest = hashlib.sha256(f"{settings}{fingerprint}".encode()).hexdigest()
        self.path = config.runs / f"{config.name}-{digest[:12]}"
        self._interrupt = interrupt

    def begin(self, *, resume: bool) -> None:
        """Keep what an earlier process left, or throw it away.

        Raises CheckpointFailed when there is nothing to resume.
        """
        if not resume:
            self.remove()
        elif not any(self.path.glob("*")):
            raise CheckpointFailed(
                f"{self.path}: there is nothing to resume: expected a run with exactly these "
                "settings and rows that was stopped before its end"
            )

    def checkpoint(self, phase: str) -> CheckpointFile:
        """Where one phase of the run keeps its state."""
        return CheckpointFile(self.path / f"{phase}.pt", self._interrupt)

    def remove(self) -> None:
        """Throw everything away."""
        shutil.rmtree(self.path, ignore_errors=True)
        try:
            self.path.parent.rmdir()
        except OSError:
            return
