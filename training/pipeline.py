"""A fit from table to published version, top to bottom."""

from dataclasses import replace
from functools import partial

import torch

from service.model_repository.manifest import History
from training.config import RunConfig
from training.describe import history
from training.diagnose import diagnose, layer_states
from training.errors import CheckpointFailed, ConfigInvalid
from training.extras import require_extras
from training.finish import Fitted, Run, finish
from training.fitting.batches import Batches, InMemory
from training.fitting.fit import NO_CHECKPOINT, fit
from training.fitting.shuffle import ShuffleBuffer
from training.fitting.trainer import Optimisation
from training.inputs import Rows
from training.interrupt import Interrupt, interruptible
from training.learning_curve import learning_curve, require_folds
from training.memory import allowed_bytes
from training.network import build_network, evaluation_logits
from training.plan import architecture, optimisation, settled
from training.progress import Progress
from training.references import quick_references
from training.run_folder import RunFolder
from training.signs import Judged, Observed
from training.start import Start, start
from training.threads import fastest, steps_of_fit
from training.tracking import track, with_event_files

_MEASURED_ROWS = 10_000


def run(asked: RunConfig, *, resume: bool = False, publish_best: bool = False) -> Run:
    """Train on a table and publish the next version. Raises TrainingError.

    With `resume` it goes on where an earlier process with the same settings stopped; to
    `publish_best` is to train no further then, and to publish the best epoch so far.
    """
    require_extras(asked)
    unsettled = asked.resolved()
    require_dropout(unsettled)
    begun = start(unsettled)
    if unsettled.learning_curve:
        require_folds(begun, unsettled)
    config = settled(begun.config, int(begun.data.training_counts.sum()))
    interrupt = Interrupt()
    folder = RunFolder(config, begun.data.fingerprint, interrupt, _made_by(begun, config))
    with folder.held(resume=resume or publish_best):
        with interruptible(interrupt):
            fitted = fit_table(begun, config, folder, is_over=publish_best)
            if publish_best:
                begun = begun.noting(_stopped_early(fitted.history, config))
            elif config.learning_curve:
                points = learning_curve(begun, begun.config, folder.without_checkpoint())
                begun.clock.lap("learning curve")
                fitted = replace(fitted, learning_curve=points)
        done = finish(begun, fitted, folder)
        folder.remove()
        track(config, done.manifest, done.folder)
    return done


def fit_table(
    begun: Start, config: RunConfig, folder: RunFolder | None = None, *, is_over: bool = False
) -> Fitted:
    """A network fitted to the training rows, at its best epoch on the validation rows.

    Without a folder nothing is kept on the way. If the fit `is_over`, nothing is trained beside
    what the folder holds. Raises Diverged, and CheckpointFailed.
    """
    data, split = begun.data, begun.data.split
    shape = architecture(config, begun.learned.preprocessing, len(data.table.labels))
    torch.manual_seed(config.seed)
    network = build_network(shape)
    how = optimisation(config, network)
    training, validation = begun.rows(split.training), begun.rows(split.validation)
    sample = training[:: -(-len(training) // _MEASURED_ROWS)]
    if config.threads is None:
        steps = partial(fastest, steps_of_fit(shape, training, how))
        torch.set_num_threads(folder.threads(steps) if folder else steps())
    checkpoint = folder.checkpoint("fit", [how.dtype]) if folder else NO_CHECKPOINT
    with Progress(config.epochs) as progress:
        batches = progress.watch(_batches(begun, training, config, how))
        epochs = fit(network, batches, sample, validation, how, checkpoint, is_over=is_over)
        records = progress.follow(with_event_files(epochs, config.tensorboard, begun.name))
    if folder is not None and not records:
        raise CheckpointFailed(
            f"{folder.path}: no epoch was kept: there is nothing to publish; --resume without "
            "--publish-best trains on"
        )
    begun.clock.lap("fit")
    told = history(records)
    logits = evaluation_logits(network, validation.inputs)
    observed = Observed(
        config=config,
        records=records,
        best_epoch=told.best_epoch,
        class_counts=data.training_counts.tolist(),
        layers=layer_states(network, validation.inputs, shape.activation),
        weights=[linear.weight.numel() for linear in network.linears],
        judged=Judged(
            logits,
            validation.class_index.numpy(),
            quick_references(training, validation, len(data.table.labels), config.seed),
        ),
        labels=data.table.labels,
        leaks=begun.leaks,
    )
    return Fitted(
        config=config,
        shape=shape,
        dtype=how.dtype,
        networks=(network,),
        logits=logits.unsqueeze(0),
        validated=split.validation,
        history=told,
        diagnosis=diagnose(observed),
    )


def _stopped_early(found: History, config: RunConfig) -> str:
    return (
        f"training was stopped after epoch {len(found.epochs)} of at most {config.epochs}: what is "
        f"published is the best until then, epoch {found.best_epoch}"
    )


def require_dropout(config: RunConfig) -> None:
    """Raise ConfigInvalid if uncertainty is asked of a network without dropout."""
    if config.uncertainty and not (any(config.dropout) or config.input_dropout):
        raise ConfigInvalid(
            f"--uncertainty {config.uncertainty} comes from dropout: expected a rate above 0, "
            "such as --dropout 0.5"
        )


def _made_by(begun: Start, config: RunConfig) -> dict[str, str]:
    """What the order of rows depends on beside the settings: a shuffle buffer's size."""
    if begun.data.stream is None:
        return {}
    return {"memory": f"{allowed_bytes(config.memory) / 2**30:.3f}GiB"}


def _batches(begun: Start, training: Rows, config: RunConfig, how: Optimisation) -> Batches:
    data = begun.data
    if data.stream is None:
        return InMemory(training, batch_size=how.batch_size, dtype=how.dtype, seed=how.seed)
    return ShuffleBuffer(
        data.stream,
        data.table.columns,
        begun.learned.preprocessing,
        batch_size=how.batch_size,
        dtype=how.dtype,
        memory=allowed_bytes(config.memory),
        seed=how.seed,
    )
