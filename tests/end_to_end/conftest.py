"""Real processes: a training run, and a service on a port of its own."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.service_process import ROOT, started

Serve = Callable[[Path], httpx.Client]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a service over a model repository, and stop it after the test."""
    with ExitStack() as stack:

        def start(models: Path) -> httpx.Client:
            service = stack.enter_context(started("--models", models))
            return stack.enter_context(httpx.Client(base_url=service.url, timeout=10))

        yield start


@pytest.fixture
def train() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `python -m training` with these arguments."""

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "training", *map(str, arguments)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    return run
