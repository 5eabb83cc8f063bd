"""From settings and rows to the jobs that fitting takes."""

import numpy as np
import torch

from training.config import RunConfig
from training.encoding import Preprocessing
from training.fitting.job import Job
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


def jobs_of(
    config: RunConfig, preprocessing: Preprocessing, n_classes: int, folds: list[Fold]
) -> list[Job]:
    """One setting on every fold. Settings share a fold's starting weights, order and masks."""
    shape = architecture(config, preprocessing, n_classes)
    with torch.device("meta"):
        how = optimisation(config, build_network(shape))
    jobs = []
    for number, (training, validation) in enumerate(folds):
        seed = stream_seed(config.seed, "fold", number)
        jobs.append(Job(shape, how.seeded(seed), training, validation, seed))
    return jobs
