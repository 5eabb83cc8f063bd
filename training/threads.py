"""How many threads a run's steps are fastest on: measured, on copies that are thrown away.

A small network's step is over sooner than threads have met, and on a busy machine the slowest of
them is waited for; a wide one's products gain by every core.
"""

import math
import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch

from training.fitting.alone import Alone
from training.fitting.batches import InMemory
from training.fitting.job import Job, stack_size
from training.fitting.stack import Stack
from training.fitting.trainer import Optimisation, Trainer
from training.inputs import Inputs, Rows
from training.network import Architecture, build_network

# More threads are taken for at most this share of the time: nobody else gets what they take.
_WORTH = 0.8
_ROUNDS = 5
# What is timed at once lasts that long on one thread; when all of it has lasted that long, it ends.
_TIMED_S, _IN_ALL_S = 0.005, 0.4
_BATCHES, _VALIDATION_ROWS = 2, 64
_FOR_EVER = 1 << 30


def fastest(steps: Callable[[], object]) -> int:
    """The number of threads on which `steps` take the least time; of about equal ones the fewest.

    PyTorch has as many threads after it as before.
    """
    cores = len(os.sched_getaffinity(0))
    counts = [count for count in (1, 2, 4, 8, 16, 32, 64) if count < cores] + [cores]
    if counts == [1]:
        return 1
    before = torch.get_num_threads()
    try:
        return _fewest(_timed(steps, counts))
    finally:
        torch.set_num_threads(before)


def _timed(steps: Callable[[], object], counts: Sequence[int]) -> dict[int, float]:
    """Median seconds of the steps by number of threads, of those that there was time for."""
    taken: dict[int, list[float]] = {count: [] for count in counts}
    torch.set_num_threads(1)
    over = time.perf_counter() + _IN_ALL_S
    # The first time allocates what later ones find.
    _seconds(steps)
    repeats = max(1, round(_TIMED_S / _seconds(steps)))
    for number in range(_ROUNDS):
        for count in counts:
            torch.set_num_threads(count)
            if number == 0:
                # New threads are started at the first product.
                _seconds(steps)
            taken[count].append(_seconds(steps, repeats, over))
            if time.perf_counter() > over:
                return _medians(taken)
    return _medians(taken)


def _medians(taken: dict[int, list[float]]) -> dict[int, float]:
    return {count: statistics.median(seconds) for count, seconds in taken.items() if seconds}


def _fewest(seconds: dict[int, float]) -> int:
    best = min(seconds)
    for count in sorted(seconds):
        if seconds[count] < _WORTH * seconds[best]:
            best = count
    return best


def _seconds(steps: Callable[[], object], repeats: int = 1, over: float = math.inf) -> float:
    """Mean over so many times, or as many as there are before the time is over."""
    start, done = time.perf_counter(), 0
    while done == 0 or (done < repeats and time.perf_counter() < over):
        steps()
        done += 1
    return max(time.perf_counter() - start, 1e-9) / done


def steps_of_fit(shape: Architecture, training: Rows, how: Optimisation) -> Callable[[], object]:
    """A few steps of a network of this shape, as a fit takes them."""
    with torch.random.fork_rng(devices=[]):
        network = build_network(shape)
    rows = training[: _BATCHES * how.batch_size]
    batches = InMemory(rows, batch_size=how.batch_size, dtype=how.dtype, seed=how.seed)
    trainer = Trainer(network, batches, _still(how))
    return lambda: trainer.epoch(1)


def steps_of_search(jobs: Sequence[Job], table: Rows) -> Callable[[], object]:
    """A few steps of the heaviest of the stacks that these jobs train in."""
    stacks: dict[object, list[Job]] = {}
    for number, job in enumerate(jobs):
        stacks.setdefault(job.stack if job.can_be_stacked else number, []).append(job)
    heaviest = max(stacks.values(), key=lambda alike: alike[0].n_weights * len(alike))
    few = [_short(job) for job in heaviest[: stack_size(heaviest[0])]]
    if few[0].can_be_stacked:
        return Stack(few, table).epoch
    encoded = table.inputs.encoded.to(few[0].how.dtype)
    return Alone(few[0], table, Rows(Inputs(encoded, table.inputs.codes), table.class_index)).epoch


def _short(job: Job) -> Job:
    return replace(
        job,
        how=_still(job.how),
        training=job.training[: _BATCHES * job.how.batch_size],
        validation=job.validation[:_VALIDATION_ROWS],
    )


def _still(how: Optimisation) -> Optimisation:
    """Steps that move nothing, so that what is timed neither diverges nor is over."""
    return replace(how, learning_rate=0.0, epochs=_FOR_EVER, patience=_FOR_EVER)
