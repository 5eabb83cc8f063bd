"""The folder of one unfinished run: its checkpoints, found again by its settings and its table."""

import hashlib
import shutil
from collections.abc import Callable

from training.config import RunConfig
from training.errors import CheckpointFailed
from training.fitting.checkpoint import CheckpointFile, StopWhenAsked
from training.interrupt import Interrupt

# Where a run is published, or told of, has no part in what it comes to.
TOLD_ELSEWHERE = frozenset(
    {"models", "data", "test", "runs", "report", "tensorboard", "mlflow", "storage", "worker"}
)
# Workers of one search may differ in these.
_WORKERS_OWN = frozenset({"threads", "settings"})

_THREADS = "threads"


class RunFolder:
    """<runs>/<name>-<digest of settings and table>, made when there is something to keep."""

    def __init__(self, config: RunConfig, fingerprint: str, interrupt: Interrupt) -> None:
        is_shared = getattr(config, "searched_by", None) == "tpe"
        excluded = TOLD_ELSEWHERE | _WORKERS_OWN if is_shared else TOLD_ELSEWHERE
        settings = config.model_dump_json(exclude=set(excluded))
        digest = hashlib.sha256(f"{settings}{fingerprint}".encode()).hexdigest()
        assert config.runs is not None
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

    def threads(self, measure: Callable[[], int]) -> int:
        """The threads that the run was begun with, or what `measure` says. Raises CheckpointFailed.

        Another number would give other bytes, so that it is kept with the checkpoints.
        """
        kept = self.path / _THREADS
        try:
            if kept.exists():
                return int(kept.read_text(encoding="ascii"))
            found = measure()
            self.path.mkdir(parents=True, exist_ok=True)
            staging = kept.with_name(_THREADS + ".writing")
            staging.write_text(str(found), encoding="ascii")
            staging.replace(kept)
        except OSError as exc:
            raise CheckpointFailed(f"{kept}: cannot be written: {exc.strerror}") from exc
        except ValueError as exc:
            raise CheckpointFailed(f"{kept}: expected a number of threads") from exc
        return found

    def checkpoint(self, phase: str) -> CheckpointFile:
        """Where one phase of the run keeps its state."""
        return CheckpointFile(self.path / f"{phase}.pt", self._interrupt)

    def without_checkpoint(self) -> StopWhenAsked:
        """For a phase whose state is kept elsewhere."""
        return StopWhenAsked(self._interrupt)

    def remove(self) -> None:
        """Throw everything away."""
        shutil.rmtree(self.path, ignore_errors=True)
        try:
            self.path.parent.rmdir()
        except OSError:
            return
