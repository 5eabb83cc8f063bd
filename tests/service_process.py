"""The service as a real process on a port of its own."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[1]
PATIENCE_S = 30.0


@dataclass(frozen=True)
class Service:
    """A running service, and how long it took to load its models."""

    process: subprocess.Popen[str]
    url: str
    loaded_s: float


def command(*arguments: str | Path) -> list[str]:
    """`python -m service` with these arguments."""
    return [sys.executable, "-m", "service", *map(str, arguments)]


@contextmanager
def started(*arguments: str | Path) -> Iterator[Service]:
    """A service that has loaded its models, with one worker by default; stopped by SIGTERM."""
    began = time.monotonic()
    process = subprocess.Popen(
        command("--port", "0", "--workers", "1", *arguments),
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        found = re.search(r"on (http://[\d.]+:\d+)", process.stderr.readline())
        assert found is not None
        with httpx.Client(base_url=found[1]) as client:
            wait_until_loaded(client)
        yield Service(process, found[1], time.monotonic() - began)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE_S)


def wait_until_loaded(client: httpx.Client) -> None:
    """Return when the service has loaded its models, whether or not each has a sound version."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            if "loading" not in client.get("/v2/health/ready").text:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.02)
    raise TimeoutError("the service did not load its models")
