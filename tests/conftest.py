"""Settings for the whole suite, and the cores that its workers keep to."""

import os

import pytest
from hypothesis import settings

# A busy machine makes single examples slow; the suite's own time limit bounds the whole.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")

MOST_WORKERS = 4


def _keep_to_one_core(worker: str) -> None:
    """Let this worker of pytest-xdist and whatever it starts run on one core alone.

    PyTorch, ONNX Runtime and the service take as many threads as there are cores that they may use;
    side by side they would hold each other up.
    """
    cores = sorted(os.sched_getaffinity(0))
    number = int(worker.removeprefix("gw"))
    os.sched_setaffinity(0, {cores[number % len(cores)]})


if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    _keep_to_one_core(worker)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """As many workers as cores that may be used: what `-n auto` stands for."""
    return min(len(os.sched_getaffinity(0)), MOST_WORKERS)


@pytest.fixture
def anyio_backend() -> str:
    """The loop that async tests run on."""
    return "asyncio"
