"""A model trained in a stack is the model that it would be alone."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch

from training.fitting.alone import Alone
from training.fitting.batches import InMemory
from training.fitting.early_stopping import EpochRecord
from training.fitting.fit import fit
from training.fitting.job import Job
from training.fitting.stack import Stack
from training.fitting.stacked_parameters import StackedParameters
from training.fitting.trainer import Optimisation
from training.inputs import Inputs, Rows
from training.network import Architecture

ROWS, CLASSES = 300, 4


def _table() -> Rows:
    generator = torch.Generator().manual_seed(0)
    encoded = torch.randn(ROWS, 12, generator=generator)
    codes = torch.randint(0, 5, (ROWS, 2), generator=generator)
    noise = torch.randn(ROWS, CLASSES, generator=generator)
    class_index = (encoded[:, :CLASSES] + 0.5 * noise).argmax(1)
    return Rows(Inputs(encoded, codes), class_index)


TABLE = _table()
VALIDATION = torch.arange(200, 300)


def _job(
    number: int,
    *,
    training: int = 200,
    dropout: tuple[float, float] = (0.3, 0.2),
    input_dropout: float = 0.0,
    activation: str = "relu",
    **changed: Any,
) -> Job:
    settings: dict[str, Any] = {
        "epochs": 4,
        "batch_size": 64,
        "optimiser": "sgd",
        "learning_rate": 0.05,
        "schedule": "constant",
        "momentum": 0.9,
        "weight_decay": 1e-3,
        "dtype": torch.float32,
        "monitor": "loss",
        "patience": 50,
        "seed": number,
        **changed,
    }
    shape = Architecture(
        12, ((6, 4), (6, 4)), (33, 17), CLASSES, activation, dropout, input_dropout
    )
    rows = torch.randperm(200, generator=torch.Generator().manual_seed(number))[:training]
    return Job(shape, Optimisation(**settings), rows, VALIDATION, initial_seed=number, fold=number)


def _different(**common: Any) -> list[Job]:
    """Models that share nothing but their shape; with 193 rows a last single row is left out."""
    return [
        _job(1, training=193, input_dropout=0.1, label_smoothing=0.1, **common),
        _job(2, dropout=(0.0, 0.3), momentum=0.8, max_norm=1.5, schedule="cosine", **common),
        _job(3, training=130, dropout=(0.0, 0.0), weight_decay=0.0, **common),
        _job(4, training=60, dropout=(0.5, 0.0), schedule="linear", max_norm=0.7, **common),
        _job(5, input_dropout=0.3, schedule="coslog4", monitor="accuracy", **common),
    ]


def _rows(which: torch.Tensor) -> Rows:
    return Rows(TABLE.inputs[which], TABLE.class_index[which])


def _alone(job: Job) -> tuple[list[torch.Tensor], list[EpochRecord]]:
    network, training = job.network(), _rows(job.training)
    batches = InMemory(training, batch_size=64, dtype=torch.float32, seed=job.how.seed)
    every = -(-len(job.training) // len(VALIDATION))
    sample = _rows(job.training[::every])
    records = list(fit(network, batches, sample, _rows(job.validation), job.how))
    return StackedParameters([network]).of(0), records


def _finished(stack: Stack) -> Stack:
    while stack.alive:
        stack.epoch()
    return stack


def _assert_close(found: Sequence[torch.Tensor], expected: Sequence[torch.Tensor]) -> None:
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu"])
@pytest.mark.parametrize("optimiser", ["sgd", "adamw"])
def test_every_model_of_a_stack_is_what_it_is_alone(optimiser: str, activation: str) -> None:
    rate = 0.05 if optimiser == "sgd" else 0.005
    jobs = _different(optimiser=optimiser, activation=activation, learning_rate=rate)

    stack = _finished(Stack(jobs, TABLE))

    for number, job in enumerate(jobs):
        parameters, records = _alone(job)
        _assert_close(stack.best[number], parameters)
        for found, expected in zip(stack.records[number], records, strict=True):
            assert found.validation_loss == pytest.approx(expected.validation_loss, rel=1e-4)
            assert found.training_loss == pytest.approx(expected.training_loss, rel=1e-4)
            assert found.gradient_norms == pytest.approx(expected.gradient_norms, rel=1e-3)
            assert found.is_best == expected.is_best


def test_model_that_stops_early_leaves_the_others_as_they_are() -> None:
    jobs = [_job(1, epochs=30, patience=2, learning_rate=0.5), _job(2, epochs=30)]

    stack = _finished(Stack(jobs, TABLE))

    assert len(stack.records[0]) < len(stack.records[1]) == 30
    _assert_close(stack.best[1], _alone(jobs[1])[0])


def test_dropped_model_is_trained_no_further() -> None:
    stack = Stack([_job(1), _job(2)], TABLE)
    stack.epoch()
    stack.drop([0])

    _finished(stack)

    assert [len(records) for records in stack.records] == [1, 4]


def test_diverged_model_is_named_and_the_rest_goes_on() -> None:
    stack = _finished(Stack([_job(1, learning_rate=100.0), _job(2)], TABLE))

    assert list(stack.diverged) == [0]
    assert len(stack.records[1]) == 4


@pytest.mark.parametrize("optimiser", ["sgd", "adamw"])
def test_stack_goes_on_from_its_state_bit_for_bit(optimiser: str) -> None:
    jobs = _different(optimiser=optimiser, learning_rate=0.01, epochs=6, patience=2)
    whole, cut = Stack(jobs, TABLE), Stack(jobs, TABLE)
    for _ in range(3):
        cut.epoch()

    resumed = Stack(jobs, TABLE)
    resumed.restore(cut.state())
    _finished(resumed)

    _finished(whole)
    assert resumed.records == whole.records
    for a, b in zip(resumed.best, whole.best, strict=True):
        assert all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def _elsewhere(jobs: Sequence[Job], order: Sequence[int]) -> list[Job]:
    """The same jobs with their rows in memory in this order, as another process may have them."""
    memory = torch.zeros(len(jobs), 200, dtype=torch.int64)
    homes = [memory[order.index(place), : len(job.training)] for place, job in enumerate(jobs)]
    for home, job in zip(homes, jobs, strict=True):
        home.copy_(job.training)
    return [replace(job, training=home) for job, home in zip(jobs, homes, strict=True)]


def test_stack_goes_on_from_its_state_wherever_rows_lie_in_memory() -> None:
    jobs = [_job(number, epochs=6, patience=2) for number in range(5)]
    here, there = _elsewhere(jobs, [0, 1, 2, 3, 4]), _elsewhere(jobs, [3, 1, 4, 0, 2])
    whole, cut = Stack(here, TABLE), Stack(here, TABLE)
    for _ in range(3):
        cut.epoch()

    resumed = Stack(there, TABLE)
    resumed.restore(cut.state())
    _finished(resumed)

    _finished(whole)
    assert resumed.records == whole.records
    for a, b in zip(resumed.best, whole.best, strict=True):
        assert all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def test_state_of_other_jobs_is_refused() -> None:
    cut = Stack([_job(1), _job(2)], TABLE)
    cut.epoch()

    with pytest.raises(ValueError, match="expected the state of the same 3 models"):
        Stack([_job(1), _job(2), _job(3)], TABLE).restore(cut.state())


def test_jobs_of_one_fold_have_the_same_rows() -> None:
    jobs = [_job(1), replace(_job(2), fold=1)]

    with pytest.raises(AssertionError):
        Stack(jobs, TABLE)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_model_with_a_validation_loss_that_is_no_number_has_diverged(dtype: torch.dtype) -> None:
    encoded = TABLE.inputs.encoded.clone()
    encoded[VALIDATION[0]] = float("inf")
    table = Rows(Inputs(encoded, TABLE.inputs.codes), TABLE.class_index)
    in_dtype = Rows(Inputs(encoded.to(dtype), TABLE.inputs.codes), TABLE.class_index)
    job = _job(1, dtype=dtype)

    is_stacked = dtype == torch.float32
    group = Stack([job], table) if is_stacked else Alone(job, table, in_dtype)

    group.epoch()

    assert list(group.diverged) == [0]
    assert not group.alive
