"""One job by itself, epoch by epoch, with the interface of a stack."""

import copy
from collections.abc import Collection
from typing import Any

import torch

from training.errors import Diverged
from training.fitting.batches import InMemory
from training.fitting.divergence import has_gone_wrong
from training.fitting.early_stopping import EarlyStopping, EpochRecord, follow
from training.fitting.job import Job, job_sample
from training.fitting.scores import measure
from training.fitting.trainer import Trainer
from training.inputs import Rows
from training.network import Perceptron


class Alone:
    """A job that no stack takes: a wide network in bfloat16, or one with batch normalisation.

    `in_dtype` is the table once more, in the data type of the products.
    """

    def __init__(self, job: Job, table: Rows, in_dtype: Rows) -> None:
        self._job, self._table = job, table
        self._network = job.network()
        batches = InMemory(
            in_dtype,
            batch_size=job.how.batch_size,
            dtype=job.how.dtype,
            seed=job.how.seed,
            which=job.training,
        )
        self._trainer = Trainer(self._network, batches, job.how)
        self._stopping = EarlyStopping(job.how.monitor, job.how.patience)
        self._is_over = False
        self.records: list[list[EpochRecord]] = [[]]
        self.diverged: dict[int, float] = {}
        self.best: list[dict[str, torch.Tensor]] = [{}]

    @property
    def epochs_done(self) -> int:
        """How many epochs have been trained."""
        return len(self.records[0])

    @property
    def alive(self) -> tuple[int, ...]:
        """The job's number, 0, while it is trained."""
        return () if self._is_over else (0,)

    def epoch(self) -> None:
        """Train for one epoch."""
        epoch = self.epochs_done + 1
        try:
            norms = self._trainer.epoch(epoch)
            trained = measure(self._network, self._table[job_sample(self._job)])
        except Diverged:
            norms, trained = (), (float("nan"), 0.0)
        validated = measure(self._network, self._table[self._job.validation])
        if has_gone_wrong(trained[0], validated[0], self._network.n_classes):
            self.diverged[0] = trained[0]
            self._is_over = True
            return
        is_best = self._stopping.is_best(epoch, *validated)
        if is_best:
            self.best[0] = copy.deepcopy(self._network.state_dict())
        self.records[0].append(EpochRecord(epoch, *trained, *validated, is_best, norms))
        self._is_over = self._stopping.is_over(epoch) or epoch >= self._job.how.epochs

    def network(self, _number: int) -> Perceptron:
        """The network with its best weights, in evaluation mode."""
        self._network.load_state_dict(self.best[0])
        return self._network.eval()

    def drop(self, jobs: Collection[int]) -> None:
        """Train it no further, if it is among these."""
        self._is_over = self._is_over or 0 in jobs

    def state(self) -> dict[str, Any]:
        """Everything that a later epoch depends on."""
        return {
            "job": self._job.identity,
            "trainer": self._trainer.state(),
            "best": self.best,
            "diverged": self.diverged,
            "is_over": self._is_over,
            "records": [[vars(record) for record in records] for records in self.records],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave. Raises ValueError for that of another job."""
        if state["job"] != self._job.identity:
            raise ValueError("expected the state of the same model")
        self._trainer.restore(state["trainer"])
        self.best, self.diverged = state["best"], state["diverged"]
        self._is_over = state["is_over"]
        self.records = [[EpochRecord(**r) for r in records] for records in state["records"]]
        follow(self.records[0], self._stopping)
