"""Folds times settings, trained side by side."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
import torch

from service.model_repository.provenance import SettingScore
from training.choice import mean_and_error
from training.fitting.alone import Alone
from training.fitting.checkpoint import Checkpoint
from training.fitting.early_stopping import EpochRecord
from training.fitting.job import Job, stack_size
from training.fitting.stack import Stack
from training.inputs import Inputs, Rows
from training.network import Perceptron, parameter_count

# Told the epoch and the mean log-loss so far of every setting: the settings to give up.
Pruner = Callable[[int, Mapping[int, float]], Collection[int]]

# Of the epochs and of the settings that go on, by threes.
_RUNGS, _KEPT = (1 / 9, 1 / 3), 1 / 3
_FEWEST_EPOCHS = 3

PRUNED = "given up after {} epochs"
DIVERGED = "diverged"
NOT_TRIED = "not tried yet"


class Watcher(Protocol):
    """Who is told how a search goes."""

    def advance(self, epoch: int, models: int, best: float | None, left: int) -> None:
        """So many models have trained one more epoch.

        `best` is the lowest mean so far, and `left` about the epochs that all models still have.
        """


class Unwatched:
    """Tells nobody."""

    def advance(self, epoch: int, models: int, best: float | None, left: int) -> None:
        """Say nothing."""


class CrossValidation:
    """Every setting on every fold: job `setting * folds + fold`."""

    def __init__(self, jobs: Sequence[Job], folds: int, table: Rows) -> None:
        self._jobs, self._folds, self._table = list(jobs), folds, table
        self._groups = list(_groups(self._jobs, table))
        self._home = {
            number: (group, place)
            for group, numbers in self._groups
            for place, number in enumerate(numbers)
        }
        self.ended: dict[int, str] = {}
        self._rungs_done = 0

    @property
    def n_models(self) -> int:
        """Settings times folds."""
        return len(self._jobs)

    @property
    def n_settings(self) -> int:
        """How many settings are tried."""
        return len(self._jobs) // self._folds

    @property
    def dtypes(self) -> set[torch.dtype]:
        """Of the matrix products of all models."""
        return {job.how.dtype for job in self._jobs}

    def run(self, *, pruner: Pruner | None, watcher: Watcher, checkpoint: Checkpoint) -> None:
        """Train all to their ends, or until they are given up; goes on from the checkpoint."""
        checkpoint.restore(self._restore)
        epochs = self._jobs[0].how.epochs
        targets = [*rungs(epochs), epochs] if pruner else [epochs]
        for rung, target in enumerate(targets):
            if rung < self._rungs_done:
                continue
            self._train(targets[rung:], watcher, checkpoint)
            if pruner is not None and target < epochs:
                self._give_up(target, pruner)
            self._rungs_done = rung + 1
        checkpoint.save(self._state())

    def restore(self, checkpoint: Checkpoint) -> None:
        """Take what the checkpoint holds, and train nothing."""
        checkpoint.restore(self._restore)
        for setting in range(self.n_settings):
            if any(not self._records_of(number) for number in self._numbers(setting)):
                self.ended.setdefault(setting, NOT_TRIED)

    def records(self, setting: int) -> list[list[EpochRecord]]:
        """The epochs of one setting, fold by fold."""
        return [self._records_of(number) for number in self._numbers(setting)]

    def validation(self, setting: int) -> torch.Tensor:
        """The rows that the first fold of a setting is validated on."""
        return self._jobs[setting * self._folds].validation

    def dtype(self, setting: int) -> torch.dtype:
        """Of one setting's matrix products."""
        return self._jobs[setting * self._folds].how.dtype

    def networks(self, setting: int) -> list[Perceptron]:
        """The network of every fold of one setting, with its best weights."""
        homes = [self._home[number] for number in self._numbers(setting)]
        return [group.network(place) for group, place in homes]

    def scores(self, values: Sequence[Mapping[str, Any]]) -> tuple[SettingScore, ...]:
        """What each setting came to, at the best epoch of each fold."""
        return tuple(self._score(setting, dict(v)) for setting, v in enumerate(values))

    def _score(self, setting: int, values: dict[str, Any]) -> SettingScore:
        best = [_best(self._records_of(number)) for number in self._numbers(setting)]
        ended = self._end_of(setting)
        whole = [record for record in best if record is not None]
        losses = tuple(record.validation_loss for record in whole)
        is_whole = len(whole) == self._folds and ended != DIVERGED
        mean, error = mean_and_error(losses) if is_whole else (None, None)
        return SettingScore(
            values=values,
            parameter_count=parameter_count(self._jobs[setting * self._folds].network()),
            log_losses=losses,
            accuracies=tuple(record.validation_accuracy for record in whole),
            best_epochs=tuple(record.epoch for record in whole),
            mean_log_loss=mean,
            standard_error=error,
            ended=ended,
        )

    def _end_of(self, setting: int) -> str | None:
        for number in self._numbers(setting):
            group, place = self._home[number]
            if place in group.diverged:
                return DIVERGED
        return self.ended.get(setting)

    def _train(self, targets: Sequence[int], watcher: Watcher, checkpoint: Checkpoint) -> None:
        """To the first of these epochs; settings are given up at all of them but the last."""
        target = targets[0]
        for group, _ in self._groups:
            while group.alive and group.epochs_done < target:
                models = len(group.alive)
                group.epoch()
                self._drop_diverged()
                watcher.advance(group.epochs_done, models, self._lowest(), self._left(targets))
                if checkpoint.is_due:
                    checkpoint.save(self._state())

    def _left(self, targets: Sequence[int]) -> int:
        """About the epochs of all models to come; how many stop early by themselves is unknown."""
        going = [(len(group.alive), group.epochs_done) for group, _ in self._groups]
        left = float(sum(models * max(0, targets[0] - done) for models, done in going))
        models = float(sum(models for models, _ in going))
        for before, after in pairwise(targets):
            models *= _KEPT
            left += models * (after - before)
        return round(left)

    def _drop_diverged(self) -> None:
        """One fold that went wrong is enough to train no other fold of that setting."""
        for setting in range(self.n_settings):
            if self._end_of(setting) == DIVERGED and setting not in self.ended:
                self.ended[setting] = DIVERGED
                self._drop(setting)

    def _give_up(self, epoch: int, pruner: Pruner) -> None:
        going = {s: self._mean(s) for s in range(self.n_settings) if s not in self.ended}
        for setting in pruner(epoch, going):
            if any(self._is_alive(number) for number in self._numbers(setting)):
                self.ended[setting] = PRUNED.format(epoch)
                self._drop(setting)

    def _drop(self, setting: int) -> None:
        for number in self._numbers(setting):
            group, place = self._home[number]
            group.drop([place])

    def _is_alive(self, number: int) -> bool:
        group, place = self._home[number]
        return place in group.alive

    def _mean(self, setting: int) -> float:
        best = [_best(self._records_of(number)) for number in self._numbers(setting)]
        losses = [float("inf") if record is None else record.validation_loss for record in best]
        return float(np.mean(losses))

    def _lowest(self) -> float | None:
        means = [self._mean(s) for s in range(self.n_settings) if s not in self.ended]
        lowest = min(means, default=float("inf"))
        return lowest if lowest < float("inf") else None

    def _numbers(self, setting: int) -> range:
        return range(setting * self._folds, (setting + 1) * self._folds)

    def _records_of(self, number: int) -> list[EpochRecord]:
        group, place = self._home[number]
        return group.records[place]

    def _state(self) -> dict[str, Any]:
        return {
            "rungs_done": self._rungs_done,
            "ended": self.ended,
            "groups": [group.state() for group, _ in self._groups],
        }

    def _restore(self, state: Mapping[str, Any]) -> None:
        self._rungs_done, self.ended = state["rungs_done"], state["ended"]
        for (group, _), found in zip(self._groups, state["groups"], strict=True):
            group.restore(found)


Group = Stack | Alone


def _groups(jobs: Sequence[Job], table: Rows) -> Iterator[tuple[Group, list[int]]]:
    stacks: dict[tuple[object, ...], list[int]] = {}
    in_dtype: dict[torch.dtype, Rows] = {}
    for number, job in enumerate(jobs):
        if job.can_be_stacked:
            stacks.setdefault(job.stack, []).append(number)
            continue
        dtype = job.how.dtype
        if dtype not in in_dtype:
            encoded = table.inputs.encoded.to(dtype)
            in_dtype[dtype] = Rows(Inputs(encoded, table.inputs.codes), table.class_index)
        yield Alone(job, table, in_dtype[dtype]), [number]
    for numbers in stacks.values():
        size = stack_size(jobs[numbers[0]])
        for start in range(0, len(numbers), size):
            chosen = numbers[start : start + size]
            yield Stack([jobs[number] for number in chosen], table), chosen


def rungs(epochs: int) -> list[int]:
    """After how many epochs settings are given up."""
    found = {max(_FEWEST_EPOCHS, round(share * epochs)) for share in _RUNGS}
    return sorted(rung for rung in found if rung < epochs)


def best_third(_epoch: int, means: Mapping[int, float]) -> list[int]:
    """All but the best third of the settings (Jamieson & Talwalkar 2016)."""
    kept = max(1, round(len(means) * _KEPT))
    return sorted(means, key=lambda setting: means[setting])[kept:]


def _best(records: Sequence[EpochRecord]) -> EpochRecord | None:
    return next((record for record in reversed(records) if record.is_best), None)
