"""Threads are measured on steps that leave nothing behind."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from service.model_repository.layout import ARTIFACT
from training.config import RunConfig
from training.config_file import read_config, read_settings
from training.fitting.trainer import Optimisation
from training.inputs import Inputs, Rows
from training.interrupt import Interrupt
from training.network import Architecture, build_network
from training.pipeline import run
from training.plan import optimisation, settled
from training.run_folder import RunFolder
from training.select_config import SelectConfig
from training.selection import run_selection
from training.stopwatch import Stopwatch
from training.threads import fastest, steps_of_fit

SHAPE = Architecture(4, (), (8,), 3, "relu", (0.5,))


@pytest.fixture(autouse=True)
def _threads_as_before() -> object:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def four_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(4)))


def _takes(seconds: Callable[[int], float]) -> Callable[[], None]:
    """Steps that take so long on the threads that are set."""

    def steps() -> None:
        over = time.perf_counter() + seconds(torch.get_num_threads())
        while time.perf_counter() < over:
            pass

    return steps


@pytest.mark.usefixtures("four_cores")
@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (lambda n: 0.004 / n, 4),
        (lambda n: 0.002 * n, 1),
        (lambda _: 0.002, 1),
        (lambda n: 0.006 if n == 1 else 0.003, 2),
    ],
    ids=["the more the better", "one is best", "no difference", "two are enough"],
)
def test_as_many_threads_as_the_steps_are_fastest_on(
    seconds: Callable[[int], float], expected: int
) -> None:
    torch.set_num_threads(3)

    # The machine may be busy: most of three measurements say the same.
    found = sorted(fastest(_takes(seconds)) for _ in range(3))[1]

    assert found == expected
    assert torch.get_num_threads() == 3


def test_a_single_core_needs_no_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    steps: list[int] = []

    assert fastest(lambda: steps.append(1)) == 1
    assert not steps


def _how() -> Optimisation:
    config = settled(RunConfig(dataset="iris").resolved(), 100)
    return optimisation(config, build_network(SHAPE))


def test_measuring_leaves_random_numbers_as_they_were() -> None:
    rows = Rows(
        Inputs(torch.randn(100, 4), torch.empty(100, 0, dtype=torch.int64)),
        torch.arange(100) % 3,
    )
    how = _how()
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)

    fastest(steps_of_fit(SHAPE, rows, how))

    assert torch.equal(torch.rand(3), expected)


def test_run_tells_its_threads_and_with_them_comes_to_the_same_bytes(tmp_path: Path) -> None:
    flags = {"dataset": "penguins", "epochs": 10, "report": "none"}
    measured = run(read_config(None, flags | {"models": tmp_path / "measured"}))
    threads = measured.manifest.environment["threads"]

    asked = run(read_config(None, flags | {"models": tmp_path / "asked", "threads": threads}))

    assert measured.manifest.settings["threads"] == threads
    first, second = ((done.folder / ARTIFACT).read_bytes() for done in (measured, asked))
    assert first == second


def test_selection_measures_the_steps_of_its_stacks(tmp_path: Path) -> None:
    flags = {"dataset": "iris", "epochs": 5, "report": "none", "models": tmp_path / "models"}
    settings = {"vary": ["hidden=8,16"], "folds": 3}

    done = run_selection(read_settings(SelectConfig, None, flags | settings))

    assert done.manifest.environment["threads"] in range(1, len(os.sched_getaffinity(0)) + 1)
    assert list(done.manifest.seconds) == [
        "read", "preprocessing", "search", "refit", "calibration", "export and checks"
    ]  # fmt: skip
    assert list(done.seconds)[-1] == "publishing"


def test_resumed_run_goes_on_with_the_threads_that_it_was_begun_with(tmp_path: Path) -> None:
    config = read_config(None, {"dataset": "iris", "runs": tmp_path}).resolved()
    begun = RunFolder(config, "a table", Interrupt())
    with begun.held(resume=False):
        assert begun.threads(lambda: 3) == 3
        begun.checkpoint("fit", []).save({})

    resumed = RunFolder(config, "a table", Interrupt())
    with resumed.held(resume=True):
        assert resumed.threads(lambda: 1) == 3


def test_stages_take_all_the_time_that_passes() -> None:
    clock = Stopwatch()
    start = time.monotonic()
    for stage in ("read", "fit", "read"):
        time.sleep(0.01)
        clock.lap(stage)

    assert list(clock.seconds) == ["read", "fit"]
    assert clock.seconds["read"] >= 0.02
    assert sum(clock.seconds.values()) <= time.monotonic() - start + 0.01
