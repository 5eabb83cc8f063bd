"""What a selection publishes, made again without some rows, and asked about just these.

No row of the table is new to a published version: each has set the weights of most members of an
ensemble, or of the network that was fitted again. How sure the version is of new rows is what the
same procedure says of rows that it has not seen: leave a tenth of them out, make from the rest what
was made from all of them, ask it about the tenth; and so for other tenths until enough rows have
been asked about (cross-conformal prediction, Vovk 2015).
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
import torch

from training.config import RunConfig
from training.cross_validation import CrossValidation, Watcher
from training.errors import Diverged, SplitImpossible
from training.fitting.batches import InMemory
from training.fitting.checkpoint import Checkpoint
from training.fitting.fit import refit
from training.fitting.job import Job
from training.group_split import grouped_parts
from training.jobs import Ground, fold_rows, jobs_of
from training.network import Perceptron, build_network, evaluation_logits
from training.plan import architecture, optimisation
from training.seeds import stream_seed
from training.split import stratified_parts
from training.tables.table import Indices

# Rows are left out a tenth at a time, or of a large table as many as are enough. The coverage of
# sets calibrated on 2,000 rows is within 0.7 points of what was asked for (a standard deviation, at
# 90 %), and more rows would do little for it.
_PARTS, _ENOUGH_ROWS = 10, 2000
# From so many rows on, a tenth of them are enough to calibrate a single network on.
_KEPT_BACK_FROM = 2000
_FEWEST_A_FOLD = 2


@dataclass(frozen=True)
class Rehearsed:
    """Logits, (members, n, n_classes), of rows of the table, (n,), that the members never saw.

    If `kept_back`, the members are the published ones.
    """

    logits: torch.Tensor
    rows: Indices
    kept_back: bool = False


def left_out(ground: Ground, seed: int) -> list[Indices]:
    """The parts of the rows that are asked about: of a small table all, of a large one the first.

    A part is a tenth of the rows; of a large table as few as are enough.
    """
    rows = np.arange(len(ground.table))
    count = min(len(rows), max(_PARTS, len(rows) // _ENOUGH_ROWS))
    parts = _divided(ground, rows, count, stream_seed(seed, "calibration"))
    if ground.groups is not None:
        # The largest groups are dealt first: the first parts may be little but a group each.
        parts.sort(key=lambda part: abs(len(part) - len(rows) / count))
    sizes = np.cumsum([len(part) for part in parts])
    return parts[: 1 + int((sizes < _ENOUGH_ROWS).sum())]


def ensemble_logits(
    ground: Ground, config: RunConfig, checkpoint: Checkpoint, watcher: Watcher
) -> Rehearsed:
    """What ensembles of as many folds say of the rows that none of their members saw.

    Raises Diverged when no tenth could be asked about, SplitImpossible when all leave too few rows.
    """
    folds, rows = len(ground.folds), len(ground.table)
    parts = [p for p in left_out(ground, config.seed) if rows - len(p) >= _FEWEST_A_FOLD * folds]
    if not parts:
        raise SplitImpossible(
            f"{rows} rows in a few groups cannot be calibrated over {folds} folds: expected more "
            "groups, or fewer --folds"
        )
    jobs = [
        replace(job, fold=number * folds + job.fold)
        for number, part in enumerate(parts)
        for job in jobs_without(ground, config, part)
    ]
    search = CrossValidation(jobs, folds, ground.table)
    search.run(pruner=None, watcher=watcher, checkpoint=checkpoint)
    asked = {number: part for number, part in enumerate(parts) if number not in search.ended}
    if not asked:
        raise Diverged("the networks of the ensemble diverged when they were trained again")
    found = [_asked(ground, search.networks(number), part) for number, part in asked.items()]
    return Rehearsed(torch.cat(found, 1), np.concatenate(list(asked.values())))


def refit_calibrated(
    ground: Ground, config: RunConfig, epochs: int, checkpoint: Callable[[str], Checkpoint]
) -> tuple[Perceptron, Rehearsed]:
    """A network fitted for so many epochs, and what there is to calibrate it on.

    Two fits on nearly the same rows differ by chance, in how sure they are most of all, which for a
    mean over an ensemble evens out. So the rows of a large table are asked about by the published
    network itself: a part of them is kept back. A small table has no rows to spare: there the
    fit is rehearsed. `checkpoint` says where the state of a phase is kept. Raises Diverged when
    the network, or every rehearsal, comes to what is no number.
    """
    parts, whole = left_out(ground, config.seed), np.arange(len(ground.table))
    if len(whole) >= _KEPT_BACK_FROM:
        rest = torch.from_numpy(np.setdiff1d(whole, parts[0]))
        network = refitted(ground, config, epochs, rest, checkpoint("refit"))
        asked = _asked(ground, [network], parts[0])
        _require_numbers(asked, config)
        return network, Rehearsed(asked, parts[0], kept_back=True)
    network = refitted(ground, config, epochs, torch.from_numpy(whole), checkpoint("refit"))
    _require_numbers(_asked(ground, [network], whole), config)
    found: list[tuple[torch.Tensor, Indices]] = []
    for number, part in enumerate(parts):
        rest = torch.from_numpy(np.setdiff1d(whole, part))
        # A rehearsal that fails says nothing of the network, which did not.
        with suppress(Diverged):
            other = refitted(ground, config, epochs, rest, checkpoint(f"calibration-{number}"))
            asked = _asked(ground, [other], part)
            _require_numbers(asked, config)
            found.append((asked, part))
    if not found:
        raise Diverged("the network diverged each time that it was trained without a tenth")
    logits, rows = zip(*found, strict=True)
    return network, Rehearsed(torch.cat(logits, 1), np.concatenate(rows))


def _require_numbers(logits: torch.Tensor, config: RunConfig) -> None:
    if not bool(torch.isfinite(logits).all()):
        raise Diverged(
            "the network that was fitted again answers what is no number: try a smaller "
            f"learning rate than {config.learning_rate:g}"
        )


def refitted(
    ground: Ground, config: RunConfig, epochs: int, rows: torch.Tensor, checkpoint: Checkpoint
) -> Perceptron:
    """A network that is fitted on these rows of the table for so many epochs."""
    torch.manual_seed(config.seed)
    network = build_network(architecture(config, ground.preprocessing, ground.n_classes))
    how = optimisation(config, network)
    how = replace(how, batch_size=min(how.batch_size, len(rows)))
    batches = InMemory(
        ground.table, batch_size=how.batch_size, dtype=how.dtype, seed=how.seed, which=rows
    )
    for _ in refit(network, batches, how, epochs, checkpoint):
        pass
    return network


def jobs_without(ground: Ground, config: RunConfig, part: Indices) -> list[Job]:
    """The folds' jobs on the rows that are left, cut into folds anew."""
    rest = np.setdiff1d(np.arange(len(ground.table)), part)
    seed = stream_seed(config.seed, "calibration", 1)
    folds = _divided(ground, rest, len(ground.folds), seed)
    if len(folds) < len(ground.folds):
        # Too few groups are left: what a divided group costs is a stop that is not quite honest.
        class_index = ground.table.class_index.numpy()[rest]
        divided = stratified_parts(class_index, parts=len(ground.folds), seed=seed)
        folds = [rest[fold] for fold in divided]
    pairs = fold_rows(folds)
    jobs = jobs_of(config, ground.preprocessing, ground.n_classes, pairs)
    return [
        replace(job, how=replace(job.how, batch_size=min(job.how.batch_size, len(job.training))))
        for job in jobs
    ]


def _divided(ground: Ground, rows: Indices, parts: int, seed: int) -> list[Indices]:
    """These rows in so many parts, or fewer if there are fewer groups: no group is in two parts."""
    class_index = ground.table.class_index.numpy()[rows]
    if ground.groups is None:
        found = stratified_parts(class_index, parts=parts, seed=seed)
    else:
        groups = ground.groups[rows]
        found = grouped_parts(class_index, groups=groups, parts=parts, seed=seed)
    return [rows[part] for part in found]


def _asked(ground: Ground, networks: Sequence[Perceptron], part: Indices) -> torch.Tensor:
    inputs = ground.table.inputs[torch.from_numpy(part)]
    return torch.stack([evaluation_logits(network, inputs) for network in networks])
