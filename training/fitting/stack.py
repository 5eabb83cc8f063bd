"""Many equally shaped models fitted side by side, each with its own rows, masks and settings."""

from collections.abc import Collection, Iterator, Sequence
from itertools import groupby
from typing import Any

import torch

from training.fitting.batches import epoch_order
from training.fitting.divergence import has_gone_wrong
from training.fitting.early_stopping import EarlyStopping, EpochRecord, follow
from training.fitting.job import Job, job_sample
from training.fitting.optimiser import scheduled
from training.fitting.stacked_gradient import StackedGradient, Step
from training.fitting.stacked_optimiser import StackedOptimiser
from training.fitting.stacked_parameters import StackedParameters, put, put_back
from training.inputs import Rows
from training.network import Perceptron


class Stack:
    """Jobs of one shape, batch size and optimiser, epoch by epoch.

    A model that is over, or that is dropped, leaves the stack: the rest goes on faster. Models are
    ordered by steps an epoch, so that those with rows left in the last step are the first ones,
    and within that by fold, so that models that are validated on the same rows lie together.
    """

    def __init__(self, jobs: Sequence[Job], table: Rows) -> None:
        assert _folds_agree(jobs)
        self._jobs, self._table = jobs, table
        self._alive = sorted(range(len(jobs)), key=self._place)
        networks = [jobs[i].network() for i in self._alive]
        self._parameters = StackedParameters(networks)
        ordered = [jobs[i] for i in self._alive]
        self._gradient = StackedGradient(ordered, self._parameters, table.inputs, table.class_index)
        self._optimiser = StackedOptimiser(ordered, self._parameters)
        self._stopping = [EarlyStopping(job.how.monitor, job.how.patience) for job in jobs]
        self.records: list[list[EpochRecord]] = [[] for _ in jobs]
        self.diverged: dict[int, float] = {}
        self.best: list[list[torch.Tensor]] = [[] for _ in jobs]
        self._epoch = 0

    @property
    def epochs_done(self) -> int:
        """How many epochs have been trained."""
        return self._epoch

    @property
    def alive(self) -> tuple[int, ...]:
        """The numbers of the jobs that are still trained."""
        return tuple(self._alive)

    def epoch(self) -> None:
        """Train every model that is still here for one epoch, and let go of those that are over."""
        self._epoch += 1
        norms = self._train()
        over = set(self._measure(norms))
        self.drop(over)

    def network(self, number: int) -> Perceptron:
        """One job's network with its best weights, in evaluation mode."""
        network = self._jobs[number].network()
        put(network, self.best[number])
        return network.eval()

    def drop(self, jobs: Collection[int]) -> None:
        """Train these no further."""
        self._keep([number for number in self._alive if number not in jobs])

    def state(self) -> dict[str, Any]:
        """Everything that a later epoch depends on."""
        return {
            "epoch": self._epoch,
            "jobs": [job.identity for job in self._jobs],
            "alive": self._alive,
            "parameters": self._parameters.all if self._alive else [],
            "optimiser": self._optimiser.state() if self._alive else {},
            "best": self.best,
            "diverged": self.diverged,
            "records": [[vars(record) for record in records] for records in self.records],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave, in its order. Raises ValueError for that of other jobs."""
        if state["jobs"] != [job.identity for job in self._jobs]:
            raise ValueError(f"expected the state of the same {len(self._jobs)} models")
        self._epoch, self.best = state["epoch"], state["best"]
        self.diverged = state["diverged"]
        self.records = [[EpochRecord(**r) for r in records] for records in state["records"]]
        for stopping, records in zip(self._stopping, self.records, strict=True):
            follow(records, stopping)
        self._keep(state["alive"])
        if self._alive:
            put_back(self._parameters.all, state["parameters"])
            self._optimiser.restore(state["optimiser"])

    def _keep(self, numbers: Sequence[int]) -> None:
        """Leave only these jobs, in this order."""
        if list(numbers) == self._alive:
            return
        places = [self._alive.index(number) for number in numbers]
        self._alive = list(numbers)
        if places:
            models = torch.tensor(places)
            self._parameters.keep(models)
            self._optimiser.keep(models)
            self._gradient.keep(models)

    def _place(self, number: int) -> tuple[int, int, int]:
        """Where a job belongs, by nothing that is another in another process."""
        job = self._jobs[number]
        return (-job.steps, job.fold, number)

    def _train(self) -> torch.Tensor:
        jobs = [self._jobs[i] for i in self._alive]
        steps_of = [job.steps for job in jobs]
        rates = _Rates(jobs, steps_of)
        steps = list(_epoch_rows(jobs, steps_of, self._epoch))
        self._gradient.begin(self._epoch, [counts for counts, _ in steps])
        norms = torch.zeros(len(jobs), len(self._parameters.weights))
        for number, (counts, rows) in enumerate(steps):
            models = sum(count > 0 for count in counts)
            self._gradient(_step(rows[:models], counts[:models]))
            middle = [place for place in range(models) if number == steps_of[place] // 2]
            if middle:
                norms[middle] = self._gradient.gradient_norms()[middle]
            rate = rates.at(self._epoch, number)[:models]
            self._optimiser.step(self._gradient.gradients, rate)
        return norms

    def _measure(self, norms: torch.Tensor) -> Iterator[int]:
        """Record the epoch of every model; the numbers of those that are over."""
        places = list(enumerate(self._alive))
        for _, group in groupby(places, lambda pair: self._jobs[pair[1]].fold):
            together = list(group)
            models = slice(together[0][0], together[-1][0] + 1)
            job = self._jobs[together[0][1]]
            validation = self._scores(models, job.validation)
            training = self._scores(models, job_sample(job))
            for (place, number), validated, trained in zip(
                together, validation, training, strict=True
            ):
                if has_gone_wrong(trained[0], validated[0], job.shape.n_classes):
                    self.diverged[number] = trained[0]
                    yield number
                elif self._record(place, number, trained, validated, norms[place]):
                    yield number

    def _record(
        self,
        place: int,
        number: int,
        trained: tuple[float, float],
        validated: tuple[float, float],
        norms: torch.Tensor,
    ) -> bool:
        stopping, how = self._stopping[number], self._jobs[number].how
        is_best = stopping.is_best(self._epoch, *validated)
        if is_best:
            self.best[number] = self._parameters.of(place)
        self.records[number].append(
            EpochRecord(self._epoch, *trained, *validated, is_best, tuple(norms.tolist()))
        )
        return stopping.is_over(self._epoch) or self._epoch >= how.epochs

    def _scores(self, models: slice, rows: torch.Tensor) -> list[tuple[float, float]]:
        """Mean cross-entropy and accuracy of these models on the same rows of the table."""
        true = self._table.class_index[rows]
        logits = self._gradient.logits(models, self._table.inputs[rows]).transpose(1, 2)
        count = len(logits)
        losses = torch.logsumexp(logits, 1) - logits.gather(1, true.expand(count, 1, -1)).squeeze(1)
        hits = (logits.argmax(1) == true).float()
        return list(zip(losses.mean(1).tolist(), hits.mean(1).tolist(), strict=True))


def _folds_agree(jobs: Sequence[Job]) -> bool:
    first: dict[int, Job] = {}
    return all(first.setdefault(job.fold, job).has_rows_of(job) for job in jobs)


def _epoch_rows(
    jobs: Sequence[Job], steps: Sequence[int], epoch: int
) -> Iterator[tuple[list[int], torch.Tensor]]:
    """Per step: how many rows each model has, and which, (models, batch), filled up with row 0."""
    orders: dict[tuple[int, int], int] = {}
    size, most = jobs[0].how.batch_size, max(steps)
    places: list[int] = []
    shuffled = torch.zeros(len(jobs), most * size, dtype=torch.int64)
    lengths = []
    for home, job, count in zip(shuffled, jobs, steps, strict=True):
        length = min(len(job.training), count * size)
        key = (job.fold, job.how.seed)
        same = orders.setdefault(key, len(places))
        if same < len(places):
            home.copy_(shuffled[same])
        else:
            order = epoch_order(len(job.training), job.how.seed, epoch)
            home[:length] = job.training[order[:length]]
        places.append(same)
        lengths.append(length)
    for start in range(0, most * size, size):
        counts = [min(max(length - start, 0), size) for length in lengths]
        yield counts, shuffled[:, start : start + max(counts)]


def _step(rows: torch.Tensor, counts: Sequence[int]) -> Step:
    count = torch.tensor(counts).view(-1, 1)
    weights = (torch.arange(rows.shape[1]) < count).float() / count
    return Step(rows, weights)


class _Rates:
    """The learning rates of a stack's models; equal settings are worked out once."""

    def __init__(self, jobs: Sequence[Job], steps: Sequence[int]) -> None:
        kinds = [
            (job.how.schedule, job.how.learning_rate, job.how.epochs, count)
            for job, count in zip(jobs, steps, strict=True)
        ]
        self._distinct = list(dict.fromkeys(kinds))
        self._which = torch.tensor([self._distinct.index(kind) for kind in kinds])

    def at(self, epoch: int, step: int) -> torch.Tensor:
        """Of every model, (models,), at this step of this epoch."""
        rates = [
            scheduled(schedule, rate, min(((epoch - 1) * steps + step) / (epochs * steps), 1.0))
            for schedule, rate, epochs, steps in self._distinct
        ]
        return torch.tensor(rates)[self._which]
