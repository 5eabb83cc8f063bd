"""/metrics: what Prometheus scrapes."""

import asyncio
import contextlib
import fcntl
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from fastapi import APIRouter
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
    values,
)
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.responses import Response

from service.api.counting_files import CountingFiles
from service.errors import NoSharedFolder

_PREFIX, _OWNER = "mlpserve-", "owner"
# Features that are named where cells are counted, in all, and characters of a name.
_MOST_NAMED, _LONGEST_NAME = 300, 64
OTHER_FEATURES = "(other features)"
_log = logging.getLogger(__name__)
_SHARED_MEMORY = "/dev/shm"  # noqa: S108 - a folder of one's own is made in it
# From what a small model takes to what nobody waits for.
_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5)


@contextmanager
def shared_folder() -> Iterator[str]:
    """A folder for what the workers started meanwhile count; gone afterwards.

    Raises NoSharedFolder where none can be made.
    """
    # In memory where that is possible: also the one writable place of a read-only container.
    place = _SHARED_MEMORY if os.access(_SHARED_MEMORY, os.W_OK) else None
    _remove_what_was_left(Path(place or tempfile.gettempdir()))
    try:
        made = tempfile.TemporaryDirectory(prefix=_PREFIX, dir=place)
    except OSError as exc:
        raise NoSharedFolder(
            f"several workers need a folder to count requests in: expected {_SHARED_MEMORY} or a "
            "temporary folder to be writable; --workers 1 needs none"
        ) from exc
    with made as folder, _owned(Path(folder)):
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        yield folder


@contextmanager
def _owned(folder: Path) -> Iterator[None]:
    # Under its name it is never seen without its lock, which ends with this process.
    with (folder / "new").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        (folder / "new").rename(folder / _OWNER)
        yield


def _remove_what_was_left(place: Path) -> None:
    """Remove the folders of this user whose process was killed."""
    for folder in place.glob(_PREFIX + "*"):
        with contextlib.suppress(OSError):
            if folder.stat().st_uid != os.geteuid():
                continue
            with (folder / _OWNER).open() as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)


def _counting_files(folder: str) -> CountingFiles | None:
    try:
        return CountingFiles(folder)
    except OSError:
        values.ValueClass = values.MutexValue
        _log.warning("no space in %s: this worker's requests are not in the sum", folder)
        return None


class Metrics:
    """The counters of one process; with `shared`, a folder, a scrape sums those of all workers."""

    def __init__(self, shared: str | None = None) -> None:
        self.registry = CollectorRegistry()
        self._files = None if shared is None else _counting_files(shared)
        self._shared = None if self._files is None else shared
        self._has_told = False
        self._unusual_cells = Counter(
            "mlpserve_unusual_cells",
            "Cells of requests that are missing, an unknown_category (rare in training rows, or "
            "never seen there) or out_of_range of the training rows",
            ["model", "version", "feature", "kind"],
            registry=self.registry,
        )
        self._cells: dict[tuple[str, int, str, str], Counter] = {}
        self._seconds = Histogram(
            "mlpserve_request_seconds",
            "Predictions, hidden representations and evaluations by status: from the whole request "
            "to the whole answer, in seconds",
            ["verb", "status"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._known: dict[tuple[str, int], Histogram] = {}
        self._refused = Counter(
            "mlpserve_refused_requests",
            "Requests that were refused as they came in, with their connection, by the kind of the "
            "problem: nobody knows what they asked for, or their bodies were too many",
            ["problem"],
            registry=self.registry,
        )
        self._known_refused: dict[str, Counter] = {}

    def count_unusual_cells(
        self, model: str, version: int, feature: str, kind: str, count: int
    ) -> None:
        """So many more cells of this kind; beyond some features by name, the others together."""
        shown = feature if len(feature) <= _LONGEST_NAME else feature[:_LONGEST_NAME] + "..."
        key = (model, version, shown, kind)
        if key not in self._cells and len(self._cells) >= _MOST_NAMED:
            key = (model, version, OTHER_FEATURES, kind)
        known = self._cells.get(key)
        if known is None:
            labels = [str(part) for part in key]
            if not self._has_space("counter", 1, labels):
                return
            known = self._cells[key] = self._unusual_cells.labels(*labels)
        known.inc(count)

    def count_request(self, verb: str, status: int, seconds: float) -> None:
        """One request more, answered so after so long."""
        known = self._known.get((verb, status))
        if known is None:
            labels = [verb.removeprefix(":"), str(status)]
            if not self._has_space("histogram", len(_SECONDS) + 3, labels):
                return
            known = self._known[verb, status] = self._seconds.labels(*labels)
        known.observe(seconds)

    def count_refused(self, problem: str) -> None:
        """One request more, refused before all of it was there."""
        known = self._known_refused.get(problem)
        if known is None:
            if not self._has_space("counter", 1, [problem]):
                return
            known = self._known_refused[problem] = self._refused.labels(problem)
        known.inc()

    def _has_space(
        self, kind: Literal["counter", "histogram"], numbers: int, labels: Sequence[str]
    ) -> bool:
        """Whether there is space for new label values; what has none is not counted."""
        if self._files is None or self._files.have_space(kind, numbers, labels):
            return True
        if not self._has_told:
            self._has_told = True
            _log.warning(
                "no space in %s for more kinds of requests and cells: those that this worker has "
                "not had before are not counted",
                self._shared,
            )
        return False

    def text(self) -> bytes:
        """All of it, as Prometheus reads it."""
        if self._shared is None:
            return generate_latest(self.registry)
        together = CollectorRegistry()
        MultiProcessCollector(together, self._shared)  # type: ignore[no-untyped-call]
        return generate_latest(together)


def metrics_router(metrics: Metrics, settle: Callable[[], None]) -> APIRouter:
    """The endpoint /metrics; `settle` counts what waits to be counted."""
    router = APIRouter(tags=["operation"])
    running: asyncio.Task[bytes] | None = None

    @router.get("/metrics", response_class=Response, responses={200: {"content": _TEXT}})
    async def get_metrics() -> Response:
        """Prometheus text: requests, their seconds, and unusual cells by feature and kind."""
        nonlocal running
        settle()
        if running is None or running.done():
            running = asyncio.create_task(asyncio.to_thread(metrics.text))
        # Who asks meanwhile gets the same, also when the first goes away.
        return Response(await asyncio.shield(running), media_type=CONTENT_TYPE_LATEST)

    return router


_TEXT = {"text/plain": {"schema": {"type": "string"}}}
