"""From settings and rows to the jobs that fitting takes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from training.candidates import Candidate
from training.config import RunConfig
from training.cross_validation import CrossValidation
from training.encoding import Preprocessing
from training.fitting.job import Job
from training.inputs import Rows
from training.network import build_network
from training.plan import architecture, optimisation
from training.seeds import stream_seed
from training.tables.table import Indices

Fold = tuple[torch.Tensor, torch.Tensor]


def fold_rows(folds: list[Indices]) -> list[Fold]:
    """Training and validation rows of every fold; places in the table that the folds cover."""
    pairs = []
    for number, validation in enumerate(folds):
        rest = [fold for other, fold in enumerate(folds) if other != number]
        training = np.sort(np.concatenate(rest))
        pairs.append((torch.from_numpy(training), torch.from_numpy(validation)))
    return pairs


@dataclass(frozen=True)
class Ground:
    """What every setting is tried on: encoded rows, their folds, and their groups, if any, (n,)."""

    preprocessing: Preprocessing
    n_classes: int
    folds: tuple[Fold, ...]
    table: Rows
    groups: Indices | None = None

    @property
    def fold_rows(self) -> int:
        """Training rows of a fold."""
        return len(self.folds[0][0])

    def cross_validation(self, tried: Sequence[Candidate]) -> CrossValidation:
        """These settings on every fold."""
        return CrossValidation(self.jobs(tried), len(self.folds), self.table)

    def jobs(self, tried: Sequence[Candidate]) -> list[Job]:
        """Of each of these settings the job of every fold."""
        return [
            job
            for candidate in tried
            for job in jobs_of(candidate.config, self.preprocessing, self.n_classes, self.folds)
        ]


def jobs_of(
    config: RunConfig, preprocessing: Preprocessing, n_classes: int, folds: Sequence[Fold]
) -> list[Job]:
    """One setting on every fold. Settings share a fold's starting weights, order and masks."""
    shape = architecture(config, preprocessing, n_classes)
    with torch.device("meta"):
        how = optimisation(config, build_network(shape))
    jobs = []
    for number, (training, validation) in enumerate(folds):
        seed = stream_seed(config.seed, "fold", number)
        jobs.append(Job(shape, how.seeded(seed), training, validation, seed, number))
    return jobs
