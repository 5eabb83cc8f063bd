"""The servers of a benchmark as processes, and answers of theirs held against the graph's own."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.serving.wrk import AnswersWrong

ROOT = Path(__file__).parents[2]
_PATIENCE_S, _PAUSE_S = 60.0, 0.2
_TOLERANCE = 1e-5


@contextmanager
def serving(command: Sequence[str], port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A server process that accepts connections; stopped by its id at the end."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", *command], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL
    )
    try:
        _wait(process, port)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(_PATIENCE_S)


@contextmanager
def other(asked: dict[str, Any], port: int) -> Iterator[subprocess.Popen[bytes]]:
    """One of benchmarks.serving.run."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({"port": port, **asked}, file)
        file.flush()
        with serving(["benchmarks.serving.run", file.name], port) as process:
            yield process


@contextmanager
def service(
    models: Path, port: int, *flags: str, workers: int = 1
) -> Iterator[subprocess.Popen[bytes]]:
    """The service itself, ready."""
    command = ["service", "--models", str(models), "--port", str(port), "--log-level", "error"]
    with serving([*command, "--workers", str(workers), *flags], port) as process:
        while get(port, "/v2/health/ready")[0] != 200:
            time.sleep(0.01)
        yield process


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def get(port: int, path: str) -> tuple[int, bytes]:
    """The status and body of a GET; status 0 when nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except OSError:
        return 0, b""
    finally:
        connection.close()


class Checking:
    """Posts a body again and again while a block runs, and holds every answer to what it must be.

    Raises AnswersWrong before the block, or after it.
    """

    def __init__(self, port: int, path: str, body: bytes, expected: Any) -> None:
        self._port, self._path, self._body, self._expected = port, path, body, expected
        self._done = threading.Event()
        self._wrong: list[str] = []
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> None:
        self._check()
        self._raise_any()
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        self._raise_any()

    def _work(self) -> None:
        while not self._done.wait(_PAUSE_S):
            self._check()

    def _check(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_PATIENCE_S)
        connection.request("POST", self._path, self._body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        if answer.status != 200 or not alike(json.loads(body), self._expected):
            self._wrong.append(f"{self._path}: {answer.status} {body[:300]!r}")

    def _raise_any(self) -> None:
        if self._wrong:
            raise AnswersWrong(self._wrong[0])


def alike(found: Any, expected: Any) -> bool:
    """Whether `found` holds all that is expected, numbers within 1e-5."""
    if isinstance(expected, dict):
        return isinstance(found, dict) and all(
            key in found and alike(found[key], value) for key, value in expected.items()
        )
    if isinstance(expected, list):
        return (
            isinstance(found, list)
            and len(found) == len(expected)
            and all(map(alike, found, expected))
        )
    if isinstance(expected, float):
        return isinstance(found, int | float) and abs(found - expected) <= _TOLERANCE
    return bool(found == expected)


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AnswersWrong(f"a server ended by itself with status {process.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.005)
    raise AnswersWrong("a server did not start")
