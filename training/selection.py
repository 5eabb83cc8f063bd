"""A selection from table to published version, top to bottom."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from service.model_repository.manifest import Epoch, History
from service.model_repository.provenance import Selection, SettingScore
from training.advice import Tried
from training.candidates import Candidate, candidates, require_dropout_in, sized
from training.choice import choose
from training.cross_validation import NOT_TRIED, CrossValidation, best_third
from training.diagnose import diagnose, layer_states
from training.errors import CheckpointFailed, ConfigInvalid, Diverged
from training.extras import require_extras
from training.finish import Fitted, Run, finish
from training.fitting.checkpoint import Checkpoint, NoCheckpoint
from training.fitting.early_stopping import EpochRecord
from training.interrupt import Interrupt, Stopped, interruptible
from training.jobs import Ground, fold_rows
from training.learning_curve import learning_curve
from training.network import Perceptron, evaluation_logits
from training.pipeline import require_dropout
from training.plan import architecture, optimisation
from training.references import References, quick_references
from training.rehearsal import Rehearsed, ensemble_logits, left_out, refit_calibrated
from training.run_folder import RunFolder
from training.search_progress import SearchProgress
from training.search_space import Space, default_space
from training.select_config import SelectConfig
from training.signs import Judged, LayerState, Observed
from training.start import Start, start
from training.threads import fastest, steps_of_search
from training.tracking import track

_FEWEST_FOLDS = 2
# Of a random search, so many settings say how wide its stacks are.
_MEASURED = 8
_WORKER_LEFT = (
    "the settings that were trained to their end are in --storage, where the others' search goes on"
)
_STOPPED_EARLY = (
    "--publish-best ended the search: what is published is the best of what was tried until then"
)


@dataclass(frozen=True)
class Winner:
    """The chosen setting and what its folds came to."""

    ground: Ground
    candidate: Candidate
    records: Sequence[Sequence[EpochRecord]]
    networks: tuple[Perceptron, ...]
    layers: Sequence[LayerState]
    dtype: torch.dtype
    dropped: Tried


def run_selection(asked: SelectConfig, *, resume: bool = False, publish_best: bool = False) -> Run:
    """Cross-validate settings, fit the winner, publish it. Raises TrainingError.

    The test rows are scored once, after everything is chosen. With `resume` it goes on where an
    earlier process with the same settings stopped; to `publish_best` is to end the search then, and
    to choose among what was tried so far.
    """
    require_extras(asked)
    config = asked.resolved()
    begun, config = _with_every_class_in_every_fold(start(config, cross_validated=True), config)
    interrupt = Interrupt()
    folder = RunFolder(config, begun.data.fingerprint, interrupt)
    with folder.held(resume=resume or publish_best):
        with interruptible(interrupt):
            fitted = _selected(begun, config, folder, is_over=publish_best)
        if publish_best:
            begun = begun.noting(_STOPPED_EARLY)
        if fitted.kept_back:
            begun = replace(begun, data=begun.data.validated_on(fitted.validated))
        done = finish(begun, fitted, folder)
        folder.remove()
        track(config, done.manifest, done.folder)
    return done


def _with_every_class_in_every_fold(
    begun: Start, config: SelectConfig
) -> tuple[Start, SelectConfig]:
    """With fewer folds, and a note, where a class has fewer rows than there are folds."""
    data = begun.data
    counts = data.training_counts
    rarest = int(counts.argmin())
    rows = int(counts[rarest])
    if data.table.groups is not None or not _FEWEST_FOLDS <= rows < config.folds:
        return begun, config
    note = (
        f"the class '{data.table.labels[rarest]}' has {rows} rows that are not test rows: "
        f"{rows} folds in place of {config.folds}, so that each has one"
    )
    return begun.noting(note), config.model_copy(update={"folds": rows})


def _selected(begun: Start, config: SelectConfig, folder: RunFolder, *, is_over: bool) -> Fitted:
    selection, winner = search_settings(begun, config, folder, is_over=is_over)
    begun.clock.lap("search")
    chosen = winner.candidate
    require_dropout(chosen.config)
    fitted = replace(fit_winner(begun, config, winner, folder), selection=selection)
    if is_over or not config.learning_curve:
        return fitted
    unsettled = sized(config, len(winner.ground.table)).setting(chosen.values)
    points = learning_curve(begun, unsettled, folder.without_checkpoint(), config.folds)
    begun.clock.lap("learning curve")
    return replace(fitted, learning_curve=points)


def run_worker(asked: SelectConfig) -> int:
    """Train settings for the search that others share, until it has enough; how many."""
    from training.optuna_search import tpe_work

    require_extras(asked)
    config = asked.resolved()
    begun, config = _with_every_class_in_every_fold(start(config, cross_validated=True), config)
    interrupt = Interrupt()
    folder = RunFolder(config, begun.data.fingerprint, interrupt)
    try:
        with interruptible(interrupt):
            ground = _ground(begun, config)
            config = sized(config, len(ground.table))
            space = config.vary or default_space(len(ground.table))
            _set_threads(ground, config, space, None)
            return tpe_work(ground, config, space, folder)
    except Stopped as exc:
        raise Stopped(exc.number, _WORKER_LEFT) from exc


def search_settings(
    begun: Start, asked: SelectConfig, folder: RunFolder | None = None, *, is_over: bool = False
) -> tuple[Selection, Winner]:
    """Train settings on every fold of the training rows, and choose one.

    Without a folder nothing is kept on the way. If the search `is_over`, nothing is trained beside
    what the folder holds.
    """
    ground = _ground(begun, asked)
    config = sized(asked, len(ground.table))
    space = config.vary or default_space(len(ground.table))
    require_dropout_in(config, space)
    if folder is not None:
        _set_threads(ground, config, space, folder)
    if config.searched_by == "tpe":
        from training.optuna_search import tpe_search

        tried, scores = tpe_search(ground, config, space, folder, is_over=is_over)
        selection = _selection(config, scores)
        # The networks of a trial may lie on another machine: those of the chosen one are made anew.
        search = ground.cross_validation([tried[selection.chosen]])
        with SearchProgress(config.folds, config.epochs) as progress:
            checkpoint = _checkpoint(folder, "winner", search)
            search.run(pruner=None, watcher=progress, checkpoint=checkpoint)
        selection = _scored_again(selection, search)
        return selection, _winner(search, tried, selection.chosen, 0, ground)
    tried = candidates(config, space, ground.fold_rows)
    search = ground.cross_validation(tried)
    checkpoint = _checkpoint(folder, "search", search)
    if is_over:
        search.restore(checkpoint)
    else:
        with SearchProgress(search.n_models, config.epochs) as progress:
            pruner = best_third if config.halves and len(tried) > 2 else None
            search.run(pruner=pruner, watcher=progress, checkpoint=checkpoint)
    selection = _selection(config, search.scores([candidate.values for candidate in tried]))
    return selection, _winner(search, tried, selection.chosen, selection.chosen, ground)


def _scored_again(selection: Selection, search: CrossValidation) -> Selection:
    """With the chosen setting's scores as those of the networks that are there.

    Beside other models a network rounds otherwise: its scores are near those of the trial, and not
    the same.
    """
    settings = list(selection.settings)
    (again,) = search.scores([settings[selection.chosen].values])
    if again.mean_log_loss is None:
        raise Diverged("the chosen setting diverged when its networks were trained once more")
    settings[selection.chosen] = again
    return selection.model_copy(update={"settings": tuple(settings)})


def _set_threads(
    ground: Ground, config: SelectConfig, space: Space, folder: RunFolder | None
) -> None:
    """If nobody asked for a number, as many as are fastest on the stacks of a few settings.

    Without a folder, of a worker that keeps nothing itself, the number is not kept either.
    """
    if config.threads is not None:
        return

    def measure() -> int:
        few = config
        if config.searched_by != "grid":
            few = config.model_copy(update={"settings": min(config.settings or 1, _MEASURED)})
        jobs = ground.jobs(candidates(few, space, ground.fold_rows))
        return fastest(steps_of_search(jobs, ground.table))

    torch.set_num_threads(measure() if folder is None else folder.threads(measure))


def _checkpoint(folder: RunFolder | None, phase: str, search: CrossValidation) -> Checkpoint:
    return NoCheckpoint() if folder is None else folder.checkpoint(phase, search.dtypes)


def _ground(begun: Start, config: SelectConfig) -> Ground:
    data = begun.data
    if data.stream is not None:
        raise ConfigInvalid(
            f"{config.data}: select needs the table in memory, and --memory does not allow it: "
            "allow more, or use fit"
        )
    pool, labels = data.split.training, data.table.labels
    parts = begun.folds(pool, config.folds, seed=config.seed)
    groups = data.table.groups
    return Ground(
        begun.learned.preprocessing,
        len(labels),
        tuple(fold_rows(parts)),
        begun.rows(pool),
        None if groups is None else groups.of_row[pool],
    )


def fit_winner(
    begun: Start, config: SelectConfig, winner: Winner, folder: RunFolder | None = None
) -> Fitted:
    """The networks to publish: the folds' for an ensemble, or one fitted on the training rows.

    Without a folder nothing is kept on the way.
    """
    chosen, ground = winner.candidate.config, winner.ground
    shape = architecture(chosen, ground.preprocessing, ground.n_classes)
    networks, told = winner.networks, _history(winner.records)

    def checkpoint(phase: str) -> Checkpoint:
        return NoCheckpoint() if folder is None else folder.checkpoint(phase, [winner.dtype])

    if config.ensemble:
        rehearsed = _ensemble_again(winner, checkpoint("calibration"))
    else:
        network, rehearsed = refit_calibrated(
            ground, chosen, best_epoch(winner.records), checkpoint
        )
        networks = (network,)
    begun.clock.lap("calibration" if config.ensemble else "refit")
    return Fitted(
        config=chosen,
        shape=shape,
        dtype=optimisation(chosen, networks[0]).dtype,
        networks=networks,
        logits=rehearsed.logits,
        validated=begun.data.split.training[rehearsed.rows],
        kept_back=rehearsed.kept_back,
        history=told,
        diagnosis=diagnose(_observed(begun, winner, told)),
    )


def _ensemble_again(winner: Winner, checkpoint: Checkpoint) -> Rehearsed:
    chosen, ground = winner.candidate.config, winner.ground
    models = len(left_out(ground, chosen.seed)) * len(ground.folds)
    with SearchProgress(models, chosen.epochs, "to calibrate the ensemble on") as progress:
        return ensemble_logits(ground, chosen, checkpoint, progress)


def _selection(config: SelectConfig, scores: tuple[SettingScore, ...]) -> Selection:
    places = choose(scores)
    if places is None and all(score.ended == NOT_TRIED for score in scores):
        raise CheckpointFailed(
            "no setting has been trained on every fold yet: there is nothing to publish; --resume "
            "without --publish-best trains on"
        )
    if places is None:
        reasons = ", ".join(sorted({score.ended or "unfinished" for score in scores}))
        raise Diverged(
            f"none of the {len(scores)} settings could be trained ({reasons}): "
            "try smaller learning rates, such as --vary learning_rate=0.0001:0.01"
        )
    best, chosen = places
    return Selection(
        folds=config.folds, search=config.searched_by, settings=scores, best=best, chosen=chosen
    )


def _winner(
    search: CrossValidation, tried: Sequence[Candidate], chosen: int, place: int, ground: Ground
) -> Winner:
    """The chosen one of the settings tried, which has this place in the search."""
    candidate = tried[chosen]
    networks = tuple(search.networks(place))
    first = ground.table.inputs[search.validation(place)]
    return Winner(
        ground=ground,
        candidate=candidate,
        records=search.records(place),
        networks=networks,
        layers=layer_states(networks[0], first, candidate.config.activation),
        dtype=search.dtype(place),
        dropped=[other.values for other in tried if other is not candidate],
    )


def best_epoch(records: Sequence[Sequence[EpochRecord]]) -> int:
    """The median over folds of each fold's best epoch."""
    best = [max(record.epoch for record in fold if record.is_best) for fold in records]
    return round(statistics.median(best))


def _history(records: Sequence[Sequence[EpochRecord]]) -> History:
    """Means over the folds; one that has stopped counts with its last epoch."""
    length = max(map(len, records))
    epochs = []
    for epoch in range(length):
        at = [fold[min(epoch, len(fold) - 1)] for fold in records]
        epochs.append(
            Epoch(
                training_loss=statistics.fmean(r.training_loss for r in at),
                training_accuracy=statistics.fmean(r.training_accuracy for r in at),
                validation_loss=statistics.fmean(r.validation_loss for r in at),
                validation_accuracy=statistics.fmean(r.validation_accuracy for r in at),
                gradient_norms=tuple(np.mean([r.gradient_norms for r in at], axis=0).tolist()),
            )
        )
    return History(best_epoch=min(best_epoch(records), length), epochs=tuple(epochs))


def _judged(winner: Winner) -> Judged:
    """Every row by the network of the fold that left it out; references on the first fold."""
    ground = winner.ground
    logits = torch.empty(len(ground.table), ground.n_classes)
    for network, (_, validation) in zip(winner.networks, ground.folds, strict=True):
        logits[validation] = evaluation_logits(network, ground.table.inputs[validation])
    training, validation = ground.folds[0]
    asked = ground.table[validation]
    seed = winner.candidate.config.seed
    found = quick_references(ground.table[training], asked, ground.n_classes, seed)
    references = References(validation.numpy()[found.scored], found.found)
    return Judged(logits, ground.table.class_index.numpy(), references)


def _observed(begun: Start, winner: Winner, told: History) -> Observed:
    records = [
        EpochRecord(
            number,
            epoch.training_loss,
            epoch.training_accuracy,
            epoch.validation_loss,
            epoch.validation_accuracy,
            is_best=number == told.best_epoch,
            gradient_norms=epoch.gradient_norms,
        )
        for number, epoch in enumerate(told.epochs, start=1)
    ]
    return Observed(
        config=winner.candidate.config,
        records=records,
        best_epoch=told.best_epoch,
        class_counts=begun.data.training_counts.tolist(),
        layers=winner.layers,
        weights=[linear.weight.numel() for linear in winner.networks[0].linears],
        judged=_judged(winner),
        labels=begun.data.table.labels,
        leaks=begun.leaks,
        tried=winner.dropped,
    )
