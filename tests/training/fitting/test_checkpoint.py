"""What was kept of an unfinished run: whole, of the same maker, and enough to go on with."""

import resource
import signal
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from training.cross_validation import CrossValidation, Unwatched
from training.errors import CheckpointFailed
from training.fitting.batches import Batches, InMemory
from training.fitting.checkpoint import CheckpointFile, NoCheckpoint, State
from training.fitting.fit import fit, refit
from training.fitting.job import Job
from training.fitting.shuffle import ShuffleBuffer
from training.fitting.trainer import Optimisation
from training.inputs import Inputs, Rows
from training.interrupt import Interrupt, Stopped
from training.network import Architecture, Perceptron, build_network
from training.preprocess import learn
from training.tables.kinds import Asked
from training.tables.stream import ParquetTable

MADE_BY = {"release": "1", "threads": "2"}
EPOCHS, STOPPED_AFTER = 6, 3


def _file(
    path: Path, interrupt: Interrupt | None = None, made_by: Mapping[str, str] = MADE_BY
) -> CheckpointFile:
    return CheckpointFile(path, interrupt or Interrupt(), made_by)


def _how(**changes: Any) -> Optimisation:
    settings: dict[str, Any] = {
        "epochs": EPOCHS,
        "batch_size": 32,
        "optimiser": "sgd",
        "learning_rate": 0.05,
        "schedule": "cosine",
        "momentum": 0.9,
        "weight_decay": 1e-3,
        "dtype": torch.float32,
        "monitor": "loss",
        "patience": 50,
        "seed": 1,
    }
    return Optimisation(**(settings | changes))


def _rows(count: int = 240) -> Rows:
    generator = torch.Generator().manual_seed(0)
    encoded = torch.randn(count, 8, generator=generator)
    codes = torch.randint(0, 5, (count, 1), generator=generator)
    return Rows(Inputs(encoded, codes), (encoded[:, 0] + encoded[:, 1] > 0).long())


def _network(n_encoded: int = 8, embeddings: tuple[tuple[int, int], ...] = ((6, 3),)) -> Perceptron:
    torch.manual_seed(0)
    return build_network(Architecture(n_encoded, embeddings, (16,), 2, "relu", (0.3,)))


class _StopAfter:
    """Asks to stop when that many epochs are trained, of whichever networks."""

    def __init__(self, interrupt: Interrupt, epochs: int) -> None:
        self._interrupt, self._left = interrupt, epochs

    def advance(self, *_: object) -> None:
        self._left -= 1
        if self._left == 0:
            self._interrupt.ask(signal.SIGINT, None)


def _stopped(epochs: Iterable[object], interrupt: Interrupt) -> None:
    for number, _ in enumerate(epochs, start=1):
        if number == STOPPED_AFTER:
            interrupt.ask(signal.SIGINT, None)


def _ignore(_state: State) -> None:
    """Take nothing."""


def _cross_validation() -> CrossValidation:
    """Two settings that are trained alone and two that make a stack, on two folds."""
    jobs = []
    halves = [(torch.arange(0, 120), torch.arange(120, 240))]
    halves.append((halves[0][1], halves[0][0]))
    for rate in (0.1, 0.4):
        for dtype, is_normalised in ((torch.bfloat16, True), (torch.float32, False)):
            shape = Architecture(8, ((6, 3),), (16,), 2, "relu", (rate,), 0.0, is_normalised)
            jobs += [
                Job(shape, _how(dtype=dtype, seed=fold), *halves[fold], fold, fold)
                for fold in (0, 1)
            ]
    return CrossValidation(jobs, 2, _rows())


@pytest.mark.parametrize("group", [0, 3, 4], ids=["first alone", "last alone", "stack"])
def test_search_of_networks_alone_and_in_a_stack_goes_on_bit_for_bit(
    group: int, tmp_path: Path
) -> None:
    interrupt = Interrupt()
    whole, cut, resumed = _cross_validation(), _cross_validation(), _cross_validation()
    whole.run(pruner=None, watcher=Unwatched(), checkpoint=NoCheckpoint())
    watcher = _StopAfter(interrupt, group * EPOCHS + STOPPED_AFTER)

    with pytest.raises(Stopped):
        cut.run(pruner=None, watcher=watcher, checkpoint=_file(tmp_path / "search.pt", interrupt))
    resumed.run(
        pruner=None,
        watcher=Unwatched(),
        checkpoint=_file(tmp_path / "search.pt"),
    )

    for setting in range(whole.n_settings):
        assert resumed.records(setting) == whole.records(setting)
        for a, b in zip(resumed.networks(setting), whole.networks(setting), strict=True):
            found = b.state_dict()
            assert all(torch.equal(found[name], value) for name, value in a.state_dict().items())


def _streamed(folder: Path) -> tuple[Batches, Rows]:
    generator = np.random.default_rng(0)
    x = generator.normal(size=2000).astype(np.float32)
    path = folder / "t.parquet"
    frame = pl.DataFrame({"x": x, "town": [f"town {i % 12}" for i in range(2000)], "y": x > 0.3})
    frame.write_parquet(path, row_group_size=300)
    table = ParquetTable(
        path, "y", validation_fraction=0.1, test_fraction=0.1, seed=1, memory=1 << 30
    )
    sample, split = table.sample(Asked())
    chosen = sample.features[split.training]
    learned = learn(chosen, sample.columns, scaling="standard", bins=0).preprocessing
    batches = ShuffleBuffer(
        table,
        sample.columns,
        learned,
        batch_size=32,
        dtype=torch.float32,
        memory=1 << 40,
        seed=1,
    )
    class_index = torch.from_numpy(sample.class_index[split.training])
    return batches, Rows(learned.encode(chosen), class_index)


def _in_memory(_folder: Path) -> tuple[Batches, Rows]:
    rows = _rows()
    return InMemory(rows, batch_size=32, dtype=torch.float32, seed=1), rows


@pytest.mark.parametrize("source", [_in_memory, _streamed])
def test_fit_goes_on_bit_for_bit(source: Any, tmp_path: Path) -> None:
    batches, sample = source(tmp_path)
    shape = (sample.inputs.encoded.shape[1], ((13, 4),) if source is _streamed else ((6, 3),))
    interrupt = Interrupt()
    whole, cut, resumed = (_network(*shape) for _ in range(3))
    expected = list(fit(whole, batches, sample, sample, _how()))

    kept = _file(tmp_path / "fit.pt", interrupt)
    with pytest.raises(Stopped):
        _stopped(fit(cut, batches, sample, sample, _how(), kept), interrupt)
    records = list(fit(resumed, batches, sample, sample, _how(), _file(tmp_path / "fit.pt")))

    assert records == expected
    for name, value in whole.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], value)


def test_refit_goes_on_bit_for_bit(tmp_path: Path) -> None:
    batches, _ = _in_memory(tmp_path)
    interrupt = Interrupt()
    whole, cut, resumed = (_network() for _ in range(3))
    list(refit(whole, batches, _how(), 5))

    kept = _file(tmp_path / "refit.pt", interrupt)
    with pytest.raises(Stopped):
        _stopped(refit(cut, batches, _how(), 5, kept), interrupt)
    epochs = list(refit(resumed, batches, _how(), 5, _file(tmp_path / "refit.pt")))

    assert epochs == [5]
    for name, value in whole.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], value)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"release": "2"}, r"\(release 1 there, 2 here\)"),
        ({"threads": "4"}, r"\(threads 2 there, 4 here\)"),
        ({"precision": "bfloat16"}, r"\(precision unknown there, bfloat16 here\)"),
    ],
)
def test_checkpoint_of_another_maker_is_refused_and_says_what_differs(
    changed: dict[str, str], sentence: str, tmp_path: Path
) -> None:
    _file(tmp_path / "fit.pt").save({"epoch": 1})

    with pytest.raises(CheckpointFailed, match=sentence):
        _file(tmp_path / "fit.pt", made_by=MADE_BY | changed).restore(_ignore)


@pytest.mark.parametrize("content", [{}, [], {"state": {}}, 3], ids=str)
def test_file_that_holds_something_else_is_no_checkpoint(content: object, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "fit.pt")

    with pytest.raises(CheckpointFailed, match="is not a checkpoint that can be read"):
        _file(tmp_path / "fit.pt").restore(_ignore)


def test_file_that_is_cut_off_is_no_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "fit.pt"
    _file(path).save({"values": torch.zeros(1000)})

    for length in (0, 100, 2000):
        path.write_bytes(path.read_bytes()[:length])
        with pytest.raises(CheckpointFailed, match="is not a checkpoint that can be read"):
            _file(path).restore(_ignore)


@pytest.mark.parametrize("state", [{}, {"trainer": {}, "best": {}, "records": []}], ids=str)
def test_state_of_something_else_is_refused(state: dict[str, Any], tmp_path: Path) -> None:
    batches, sample = _in_memory(tmp_path)
    _file(tmp_path / "fit.pt").save(state)

    with pytest.raises(CheckpointFailed, match="does not hold the state of this run"):
        list(fit(_network(), batches, sample, sample, _how(), _file(tmp_path / "fit.pt")))


@contextmanager
def _full_disk(free_bytes: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (free_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_full_disk_is_told_and_leaves_the_last_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "fit.pt"
    checkpoint = _file(path)
    checkpoint.save({"epoch": 1})

    with (
        _full_disk(4096),
        pytest.raises(CheckpointFailed, match=r"cannot be written: File too large; .* --runs"),
    ):
        checkpoint.save({"values": torch.zeros(100_000)})

    found: list[dict[str, Any]] = []
    checkpoint.restore(found.append)
    assert found == [{"epoch": 1}]
    assert [file.name for file in tmp_path.iterdir()] == ["fit.pt"]
