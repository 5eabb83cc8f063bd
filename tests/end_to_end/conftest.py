"""Real processes: a training run, and a service on a port of its own."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
START_S = 30.0

Serve = Callable[[Path], httpx.Client]


@contextmanager
def _service(models: Path) -> Iterator[httpx.Client]:
    command = [sys.executable, "-m", "service", "--port", "0", "--models", str(models)]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        found = re.search(r"on (http://[\d.]+:\d+)", process.stderr.readline())
        assert found is not None
        with httpx.Client(base_url=found[1], timeout=10) as client:
            wait_until_ready(client)
            yield client
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=START_S)


def wait_until_ready(client: httpx.Client) -> None:
    """Return when the service has loaded its models, whether or not each has a version."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        try:
            # 503 with a reason is an answer too: a model without a version stays unready.
            answer = client.get("/v2/health/ready").json()
            if answer["ready"] or "loading" not in answer["error"]:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise TimeoutError("the service did not become ready")


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a service over a model repository, and stop it after the test."""
    with ExitStack() as stack:
        yield lambda models: stack.enter_context(_service(models))


@pytest.fixture
def train() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `python -m training` with these arguments."""

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "training", *map(str, arguments)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    return run
