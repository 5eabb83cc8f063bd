"""The folder of one unfinished run: its checkpoints, found again by its settings and its table."""

import hashlib
import shutil
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import torch

from service import VERSION
from service.model_repository.layout import MANIFEST, version_folders
from training.config import RunConfig
from training.errors import AlreadyPublished, CheckpointFailed, RunIsGoing
from training.fitting.checkpoint import CheckpointFile, StopWhenAsked
from training.interrupt import Interrupt, Stopped
from training.locks import holding, host_name
from training.run_record import RunRecord, nothing_to_resume

# Where a run is published, or told of, has no part in what it comes to.
TOLD_ELSEWHERE = frozenset(
    {"models", "data", "test", "runs", "report", "tensorboard", "mlflow", "storage", "worker"}
)
# A checkpoint says of itself how many threads it is of.
_KEPT_WITH_CHECKPOINTS = frozenset({"threads"})
# Workers of one search may differ in this.
_WORKERS_OWN = frozenset({"settings"})
DATABASE = "search.db"

_THREADS = "threads"


class RunFolder:
    """<runs>/<name>-<digest of settings and table>, there as long as there is something to keep."""

    def __init__(
        self,
        config: RunConfig,
        fingerprint: str,
        interrupt: Interrupt,
        made_by: Mapping[str, str] | None = None,
    ) -> None:
        is_shared = getattr(config, "searched_by", None) == "tpe"
        excluded = TOLD_ELSEWHERE | _KEPT_WITH_CHECKPOINTS | (_WORKERS_OWN if is_shared else set())
        settings = config.model_dump_json(exclude=set(excluded))
        digest = hashlib.sha256(f"{settings}{fingerprint}".encode()).hexdigest()
        assert config.runs is not None
        self.path = config.runs / f"{config.name}-{digest[:12]}"
        self._record = RunRecord.of(config, fingerprint, frozenset(excluded))
        self._versions = config.models / str(config.name)
        self._keeps_elsewhere = getattr(config, "storage", None) is not None
        self._interrupt = interrupt
        self._made_by = dict(made_by or {})

    @contextmanager
    def held(self, *, resume: bool) -> Iterator[None]:
        """Keep what an earlier process left, or throw it away; let no other process in.

        At the end of the block the folder stays if there is something in it to go on with. Raises
        CheckpointFailed when there is nothing to resume, AlreadyPublished when there is nothing
        left to do, RunIsGoing when another process is at this run.
        """
        runs = self.path.parent
        made = [path for path in runs.parents if not path.exists()]
        try:
            with self._taken(resume=resume):
                yield
        finally:
            for path in (runs, *made):
                with suppress(OSError):
                    path.rmdir()

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

    def checkpoint(self, phase: str, dtypes: Iterable[torch.dtype]) -> CheckpointFile:
        """Where one phase of the run, in these precisions, keeps its state."""
        precisions = sorted({str(dtype).removeprefix("torch.") for dtype in dtypes})
        made_by = {
            "release": VERSION,
            "torch": str(torch.__version__),
            "threads": str(torch.get_num_threads()),
            "precision": " and ".join(precisions),
            **self._made_by,
        }
        return CheckpointFile(self.path / f"{phase}.pt", self._interrupt, made_by)

    def without_checkpoint(self) -> StopWhenAsked:
        """For a phase whose state is kept elsewhere, or is not worth it."""
        return StopWhenAsked(self._interrupt)

    def about_to_publish(self, manifest_json: bytes) -> None:
        """Take note, so that a run that is killed afterwards is not published twice."""
        digest = hashlib.sha256(manifest_json).hexdigest()
        self._record = self._record.model_copy(update={"manifest_sha256": digest})
        self._record.write(self.path)

    def remove(self) -> None:
        """Throw everything away."""
        shutil.rmtree(self.path, ignore_errors=True)

    @contextmanager
    def _taken(self, *, resume: bool) -> Iterator[None]:
        with ExitStack() as stack:
            try:
                stack.enter_context(holding(self.path, wait=False))
                if not resume:
                    self._require_of_this_host()
                stack.callback(self._remove_if_empty)
                self._begin(resume=resume)
            except BlockingIOError as exc:
                raise RunIsGoing(self._going()) from exc
            except OSError as exc:
                raise CheckpointFailed(
                    f"{self.path}: cannot be written: {exc.strerror}: --runs names another folder"
                ) from exc
            try:
                yield
            except KeyboardInterrupt as exc:
                number = exc.number if isinstance(exc, Stopped) else signal.SIGINT
                raise self._stopped(number) from exc

    def _going(self) -> str:
        other = RunRecord.read(self.path)
        process = f" in process {other.process}" if other else ""
        return (
            f"{self.path}: the same run is going on{process}: wait for its end or stop it; "
            "another --seed or --name makes another run"
        )

    def _begin(self, *, resume: bool) -> None:
        if not resume:
            self._empty()
        elif self._has_state or RunRecord.read(self.path) is not None:
            # Killed before its first checkpoint, a run goes on from its beginning.
            self._take_over()
        elif not self._keeps_elsewhere:
            raise CheckpointFailed(nothing_to_resume(self._record, self.path))
        self._record.write(self.path)

    def _require_of_this_host(self) -> None:
        """No lock says for sure that a process on another machine has ended."""
        other = RunRecord.read(self.path)
        if other is not None and other.host not in (None, host_name()):
            raise RunIsGoing(
                f"{self.path}: the same run was begun on the machine {other.host}, in process "
                f"{other.process}: if that has ended, --resume goes on with it, or remove the "
                "folder to begin anew; another --seed or --name makes another run"
            )

    def _take_over(self) -> None:
        before = RunRecord.read(self.path)
        if before is None or before.manifest_sha256 is None:
            return
        published = self._published(before.manifest_sha256)
        if published is not None:
            self.remove()
            raise AlreadyPublished(published)

    def _published(self, manifest_sha256: str) -> Path | None:
        if not self._versions.is_dir():
            return None
        for _, folder in sorted(version_folders(self._versions).items(), reverse=True):
            try:
                content = (folder / MANIFEST).read_bytes()
            except OSError:
                continue
            if hashlib.sha256(content).hexdigest() == manifest_sha256:
                return folder
        return None

    @property
    def _has_state(self) -> bool:
        return any(self.path.glob("*.pt")) or (self.path / DATABASE).exists()

    def _stopped(self, number: int) -> Stopped:
        """What there is of a run that is stopped at this moment."""
        digest = self._record.manifest_sha256
        published = None if digest is None else self._published(digest)
        if published is not None:
            return Stopped(number, f"{published} is published")
        if self._has_state or self._keeps_elsewhere:
            return Stopped(
                number,
                f"nothing was published; what was trained is kept in {self.path}",
                can_go_on=True,
                can_publish=self._has_state,
            )
        return Stopped(
            number, "nothing was published, and there is no checkpoint yet to go on from"
        )

    def _remove_if_empty(self) -> None:
        if not self._has_state:
            self.remove()

    def _empty(self) -> None:
        for path in self.path.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
