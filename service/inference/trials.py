"""Versions are opened first in a process that may be lost over it.

What a graph does as it opens and runs is bounded there in seconds and bytes: ONNX Runtime holds the
interpreter's lock as it opens one, and no thread could end it. A process that is forked before the
first graph is opened forks one more for each version (docs/decisions/0025).
"""

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import sys
import time
import warnings
from collections.abc import Mapping
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path

from service.errors import BrokenVersion, TrialUnfinished
from service.inference.predictor import open_version
from service.model_repository.layout import ARTIFACT, VersionFolder, read_version
from service.wording import shortened

# Most versions take a hundredth of that; a slow one must not keep the others waiting.
_HURRIED_S = 1.0
# What a version may take besides four times its artifact.
_BYTES = 512 * 2**20
_PR_SET_PDEATHSIG = 1
_PAGE = resource.getpagesize()


class Trials:
    """Tries versions of the repository at `root`, one at a time, each for at most `limit_s`."""

    def __init__(self, root: Path, *, limit_s: float) -> None:
        self._root = root
        self._limit_s = limit_s
        self._connection, theirs = Pipe()
        with warnings.catch_warnings():
            # Python warns of threads; those of numpy know of forks.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._process = os.fork()
        if not self._process:
            _be_the_parent_of_trials(theirs)
        theirs.close()

    def try_version(self, version: VersionFolder, *, patient: bool) -> str:
        """The fingerprint of a version that opens, passes its checks and runs.

        Raises BrokenVersion with the reason, or TrialUnfinished when it needs patience.
        """
        limit_s = self._limit_s if patient else min(_HURRIED_S, self._limit_s)
        asked = {"folder": str(version.folder), "root": str(self._root), "name": version.name}
        try:
            self._connection.send_bytes(
                json.dumps(asked | {"number": version.number, "limit_s": limit_s}).encode()
            )
            verdict = json.loads(self._connection.recv_bytes())
        except (OSError, EOFError) as exc:
            raise BrokenVersion("it could not be tried: the process for that is gone") from exc
        if verdict.get("unfinished"):
            if not patient and limit_s < self._limit_s:
                raise TrialUnfinished
            raise BrokenVersion(f"it is not ready to run after {limit_s:g} seconds")
        if "fingerprint" not in verdict:
            raise BrokenVersion(verdict["reason"])
        return str(verdict["fingerprint"])

    def close(self) -> None:
        """End the process."""
        self._connection.close()
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._process, 0)


def _be_the_parent_of_trials(connection: Connection) -> None:
    try:
        _end_with_parent()
        _let_go_of_all_but(connection.fileno())
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        with contextlib.suppress(EOFError):
            while True:
                verdict = _tried(json.loads(connection.recv_bytes()))
                connection.send_bytes(json.dumps(verdict).encode())
    finally:
        os._exit(0)


def _tried(asked: Mapping[str, str]) -> Mapping[str, object]:
    ours, theirs = os.pipe()
    process = os.fork()
    if not process:
        try:
            _end_with_parent()
            os.write(theirs, json.dumps(_verdict(asked)).encode())
        finally:
            os._exit(0)
    os.close(theirs)
    said = _said(ours, deadline=time.monotonic() + float(asked["limit_s"]))
    os.close(ours)
    os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    if said is None:
        return {"unfinished": True}
    if not said:
        number = os.WTERMSIG(status)
        return {"reason": f"the process that tried it was ended by signal {number}"}
    verdict: Mapping[str, object] = json.loads(said)
    return verdict


def _said(pipe: int, *, deadline: float) -> bytes | None:
    """What the trial tells, nothing if it died, None if it has not told by then."""
    left = max(0.0, deadline - time.monotonic())
    if not select.select([pipe], [], [], left)[0]:
        return None
    # A verdict is shorter than what a pipe takes in one piece.
    return os.read(pipe, select.PIPE_BUF)


def _verdict(asked: Mapping[str, str]) -> Mapping[str, object]:
    folder, root = Path(asked["folder"]), Path(asked["root"])
    allowed = _bound_memory(folder)
    try:
        files = read_version(folder, root=root, name=asked["name"], number=int(asked["number"]))
        open_version(files)
    except Exception as exc:  # noqa: BLE001 - whatever it is, it is the reason
        if _is_of_memory(exc):
            return {"reason": f"it takes more than {allowed // 2**20} MiB as it opens"}
        told = str(exc) if isinstance(exc, BrokenVersion) else f"it fails: {type(exc).__name__}"
        return {"reason": shortened(told)}
    return {"fingerprint": files.fingerprint}


def _bound_memory(folder: Path) -> int:
    try:
        artifact = (folder / ARTIFACT).stat().st_size
    except OSError:
        artifact = 0
    allowed = _BYTES + 4 * min(artifact, 2 * 2**30)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError, ValueError):
        held = int(Path("/proc/self/statm").read_text().split()[0]) * _PAGE
        resource.setrlimit(resource.RLIMIT_AS, (held + allowed, held + allowed))
    return allowed


def _is_of_memory(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, MemoryError) or "alloc" in str(error):
            return True
        error = error.__cause__
    return False


def _let_go_of_all_but(kept: int) -> None:
    # A port that this process also held would stay taken after the service's end.
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    os.closerange(3, kept)
    os.closerange(kept + 1, 65_536)


def _end_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
