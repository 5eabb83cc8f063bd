"""A search by Optuna: its sampler asks, its storage is where several workers meet."""

import math
import secrets
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.trial import FrozenTrial, Trial, TrialState

from service.model_repository.provenance import SettingScore
from training.candidates import Candidate, candidate, fits
from training.cross_validation import rungs
from training.fitting.checkpoint import NoCheckpoint
from training.jobs import Ground
from training.run_folder import RunFolder
from training.search_progress import SearchProgress
from training.search_space import Choices, Space, Values
from training.search_storage import HEARTBEAT_S, POLL_S, open_storage, storage_errors
from training.seeds import stream_seed
from training.select_config import SelectConfig
from training.summary import value_text

# Settings that train side by side before the sampler learns of them.
_ASKED_AT_ONCE = 8
_SCORE = "score"
# Tries at a setting that nobody has asked for, and of these the ones that learn.
_ATTEMPTS, _LEARNED_ATTEMPTS = 60, 4


def tpe_search(
    ground: Ground,
    config: SelectConfig,
    space: Space,
    folder: RunFolder | None,
    *,
    is_over: bool = False,
) -> tuple[list[Candidate], tuple[SettingScore, ...]]:
    """Ask, train and tell until the study has as many settings as wanted, or none if it `is_over`.

    All that the study holds is given back, whoever trained it; other workers are waited for.
    Raises StorageFailed.
    """
    with storage_errors():
        search = _Search(ground, config, space, folder)
        if is_over:
            return search.found()
        search.work()
        while search.others_work():
            time.sleep(POLL_S)
            search.work()
        return search.found()


def tpe_work(ground: Ground, config: SelectConfig, space: Space, folder: RunFolder) -> int:
    """Train settings until the study has enough; how many. Raises StorageFailed."""
    with storage_errors():
        return _Search(ground, config, space, folder).work()


class _Search:
    """One worker's part in a study."""

    def __init__(
        self, ground: Ground, config: SelectConfig, space: Space, folder: RunFolder | None
    ) -> None:
        self._ground, self._config, self._space = ground, config, space
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._storage = open_storage(config, folder)
        self._checkpoint = folder.without_checkpoint() if folder else NoCheckpoint()
        self._study = optuna.create_study(
            study_name=folder.path.name if folder is not None else None,
            storage=self._storage,
            load_if_exists=True,
            pruner=optuna.pruners.SuccessiveHalvingPruner(
                min_resource=rungs(config.epochs)[0] if rungs(config.epochs) else 1,
                reduction_factor=3,
            ),
        )
        # Others that share the search, or have been stopped at it, asked with seeds of their own.
        trials = len(self._study.get_trials(deepcopy=False))
        self._own = (trials,) if config.storage is None else (trials, secrets.randbits(32))
        self._asked = 0
        self._is_exhausted = False
        if config.storage is None:
            # Nobody else has this file: whatever still runs in it died with an earlier process.
            for trial in self._study.get_trials(states=(TrialState.RUNNING,)):
                self._study.tell(trial.number, state=TrialState.FAIL)

    def work(self) -> int:
        """Train what is missing; how many settings that were."""
        trained = 0
        while not self._is_exhausted and (wanted := self.missing()) > 0:
            trained += self.batch(min(wanted, _ASKED_AT_ONCE))
        return trained

    def others_work(self) -> bool:
        """Whether another worker is at a setting."""
        return bool(self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)))

    def missing(self) -> int:
        """How many settings are still to be asked for."""
        if self._config.storage is not None:
            optuna.storages.fail_stale_trials(self._study)
        trials = self._study.get_trials(deepcopy=False)
        taken = sum(t.state == TrialState.RUNNING or _SCORE in t.user_attrs for t in trials)
        return (self._config.settings or 1) - taken

    def batch(self, count: int) -> int:
        """Ask for so many settings, train them side by side, tell what they came to; how many."""
        trials: list[Trial] = []
        while len(trials) < count and (trial := self._ask()) is not None:
            trials.append(trial)
        self._is_exhausted = len(trials) < count
        if not trials:
            return 0
        tried = [
            candidate(self._config, self._values(trial.params), self._ground.fold_rows)
            for trial in trials
        ]
        search = self._ground.cross_validation(tried)
        with SearchProgress(search.n_models, self._config.epochs) as progress:
            watcher = _Beating(
                progress, self._storage, trials, is_shared=self._config.storage is not None
            )
            pruner = _OptunaPruner(trials) if self._config.halves else None
            search.run(pruner=pruner, watcher=watcher, checkpoint=self._checkpoint)
        scores = search.scores([candidate.values for candidate in tried])
        for trial, score in zip(trials, scores, strict=True):
            trial.set_user_attr(_SCORE, score.model_dump(mode="json"))
            if score.mean_log_loss is None:
                self._study.tell(trial, state=TrialState.FAIL)
            elif score.ended is not None:
                self._study.tell(trial, state=TrialState.PRUNED)
            else:
                self._study.tell(trial, score.mean_log_loss)
        return len(trials)

    def _ask(self) -> Trial | None:
        """A setting that nobody has asked for, or None where none can be found.

        Whoever sees that another one has the same setting gives it up: two that see each other
        both do, and ask again with other seeds.
        """
        for attempt in range(_ATTEMPTS):
            if self._is_all_taken():
                break
            seed = stream_seed(self._config.seed, "settings", *self._own, self._asked)
            self._asked += 1
            # What learns from the settings so far would ask for the best of a few again and again.
            self._study.sampler = (
                optuna.samplers.TPESampler(seed=seed % 2**32, multivariate=True, constant_liar=True)
                if attempt < _LEARNED_ATTEMPTS
                else optuna.samplers.RandomSampler(seed=seed % 2**32)
            )
            trial = self._study.ask(_distributions(self._space))
            setting = self._config.setting(self._values(trial.params))
            if fits(self._config, setting) and not self._is_taken(trial):
                return trial
            self._study.tell(trial, state=TrialState.FAIL)
        return None

    def _is_all_taken(self) -> bool:
        """Whether there are lists of values alone, and every combination of them is asked for."""
        axes = [axis for axis in self._space.values() if isinstance(axis, Choices)]
        if len(axes) < len(self._space):
            return False
        taken = {
            str(self._values(trial.params))
            for trial in self._study.get_trials(deepcopy=False)
            if (trial.state == TrialState.RUNNING or _SCORE in trial.user_attrs)
            and trial.params.keys() == self._space.keys()
        }
        return len(taken) >= math.prod(len(axis.values) for axis in axes)

    def _is_taken(self, trial: Trial) -> bool:
        values = self._values(trial.params)
        return any(
            self._values(other.params) == values
            for other in self._study.get_trials(deepcopy=False)
            if other.number != trial.number
            and (other.state == TrialState.RUNNING or _SCORE in other.user_attrs)
            and other.params.keys() == trial.params.keys()
        )

    def found(self) -> tuple[list[Candidate], tuple[SettingScore, ...]]:
        """Every setting of the study with its score."""
        scores = [
            SettingScore.model_validate(trial.user_attrs[_SCORE]) for trial in self._finished()
        ]
        tried = [candidate(self._config, score.values, self._ground.fold_rows) for score in scores]
        return tried, tuple(scores)

    def _finished(self) -> list[FrozenTrial]:
        trials = self._study.get_trials(deepcopy=False)
        return [trial for trial in trials if _SCORE in trial.user_attrs]

    def _values(self, params: Mapping[str, Any]) -> Values:
        values: Values = {}
        for name, axis in self._space.items():
            if isinstance(axis, Choices):
                named = {value_text(value): value for value in axis.values}
                values[name] = named[params[name]]
            else:
                values[name] = axis.rounded(params[name])
        return values


class _OptunaPruner:
    """Gives up what Optuna's successive halving would, over all workers of the study."""

    def __init__(self, trials: Sequence[Trial]) -> None:
        self._trials = trials

    def __call__(self, epoch: int, means: Mapping[int, float]) -> Collection[int]:
        for setting, mean in means.items():
            self._trials[setting].report(mean, epoch)
        return [setting for setting in means if self._trials[setting].should_prune()]


class _Beating:
    """Shows progress, and the storage that this worker is alive."""

    def __init__(
        self,
        progress: SearchProgress,
        storage: optuna.storages.RDBStorage,
        trials: Sequence[Trial],
        *,
        is_shared: bool,
    ) -> None:
        self._is_shared = is_shared
        self._progress, self._storage, self._trials = progress, storage, trials
        self._beaten_at = 0.0

    def advance(self, epoch: int, models: int, best: float | None, left: int) -> None:
        """So many models have trained one more epoch."""
        self._progress.advance(epoch, models, best, left)
        now = time.monotonic()
        if now - self._beaten_at >= HEARTBEAT_S:
            self._beaten_at = now
            for trial in self._trials if self._is_shared else ():
                self._storage.record_heartbeat(trial._trial_id)  # noqa: SLF001 - it has no other name


def _distributions(space: Space) -> dict[str, BaseDistribution]:
    found: dict[str, BaseDistribution] = {}
    for name, axis in space.items():
        if isinstance(axis, Choices):
            found[name] = CategoricalDistribution(list(dict.fromkeys(map(value_text, axis.values))))
        else:
            found[name] = FloatDistribution(axis.low, axis.high, log=axis.is_log)
    return found
