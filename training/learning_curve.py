"""Validation scores against the number of training rows: whether more data would help."""

import numpy as np
import torch

from service.model_repository.provenance import LearningCurvePoint
from training.config import RunConfig
from training.cross_validation import CrossValidation, Unwatched
from training.errors import ConfigInvalid
from training.fitting.checkpoint import Checkpoint
from training.inputs import Rows
from training.jobs import Fold, fold_rows, jobs_of
from training.plan import settled
from training.seeds import stream_seed
from training.start import Start
from training.tables.table import Indices

_SHARES = (0.1, 0.2, 0.4, 0.7, 1.0)
_FOLDS = 5
_FEWEST_ROWS = 20


def learning_curve(
    begun: Start, config: RunConfig, checkpoint: Checkpoint, folds: int = _FOLDS
) -> tuple[LearningCurvePoint, ...]:
    """Train on growing shares of every fold's training rows, validate on the same fold.

    The rows of a smaller share are among those of a larger one. What depends on the number of rows,
    and is not set in `config`, is that of each share.
    """
    data = begun.data
    pool = _pool(begun)
    class_index = data.table.class_index[pool]
    rows = begun.rows(pool)
    whole = fold_rows(begun.folds(pool, folds, seed=config.seed))
    points = []
    for share in _SHARES:
        chosen = [
            (_share(training.numpy(), class_index, share, config.seed), validation)
            for training, validation in whole
        ]
        if len(chosen[0][0]) < _FEWEST_ROWS:
            continue
        points.append(_point(begun, config, checkpoint, chosen, rows))
    # With so few rows a fit may diverge on every fold: then there is nothing to tell.
    return tuple(point for point in points if point.log_losses)


def require_folds(begun: Start, config: RunConfig, folds: int = _FOLDS) -> None:
    """Raise ConfigInvalid for a table that is streamed, SplitImpossible for one without folds."""
    if begun.data.stream is not None:
        raise ConfigInvalid("--learning-curve needs the table in memory: --memory allows more")
    begun.folds(_pool(begun), folds, seed=config.seed)


def _pool(begun: Start) -> Indices:
    split = begun.data.split
    return np.sort(np.concatenate([split.training, split.validation]))


def _point(
    begun: Start, config: RunConfig, checkpoint: Checkpoint, folds: list[Fold], table: Rows
) -> LearningCurvePoint:
    rows = len(folds[0][0])
    fits = settled(config.model_copy(update={"batch_size": _batch(config, rows)}), rows)
    n_classes = len(begun.data.table.labels)
    jobs = jobs_of(fits, begun.learned.preprocessing, n_classes, folds)
    search = CrossValidation(jobs, len(folds), table)
    search.run(pruner=None, watcher=Unwatched(), checkpoint=checkpoint)
    scores = search.scores([{}])[0]
    return LearningCurvePoint(rows=rows, log_losses=scores.log_losses, accuracies=scores.accuracies)


def _batch(config: RunConfig, rows: int) -> int | None:
    return None if config.batch_size is None else min(config.batch_size, rows)


def _share(training: Indices, class_index: Indices, share: float, seed: int) -> torch.Tensor:
    """That share of the rows of each class, at least one."""
    generator = np.random.default_rng(stream_seed(seed, "subset"))
    chosen = []
    for number in np.unique(class_index):
        rows = generator.permutation(training[class_index[training] == number])
        chosen.append(rows[: max(1, round(share * len(rows)))])
    return torch.from_numpy(np.sort(np.concatenate(chosen)))
