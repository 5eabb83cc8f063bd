"""Fit a network: mini-batch SGD or AdamW with dropout, and early stopping."""

import copy
import math
from collections.abc import Iterator

from training.errors import Diverged
from training.fitting.batches import Batches
from training.fitting.checkpoint import Checkpoint, NoCheckpoint, State
from training.fitting.divergence import diverged_sentence, is_diverged, unmeasured_sentence
from training.fitting.early_stopping import EarlyStopping, EpochRecord, follow
from training.fitting.scores import measure
from training.fitting.trainer import Optimisation, Trainer
from training.inputs import Rows
from training.network import Perceptron

NO_CHECKPOINT = NoCheckpoint()


def fit(
    network: Perceptron,
    training: Batches,
    sample: Rows,
    validation: Rows,
    how: Optimisation,
    checkpoint: Checkpoint = NO_CHECKPOINT,
    *,
    is_over: bool = False,
) -> Iterator[EpochRecord]:
    """Fit in place, yielding after each epoch; at the end the best epoch's weights are back.

    The training side is measured on `sample`, some of the training rows. `patience` epochs without
    a better one end the fit. The epochs that `checkpoint` holds are yielded first, untrained; if
    the fit `is_over`, there is none after them.
    Raises Diverged when the loss is no longer finite, or far above that of guessing.
    """
    trainer = Trainer(network, training, how)
    stopping = EarlyStopping(how.monitor, how.patience)
    records: list[EpochRecord] = []
    best_weights = copy.deepcopy(network.state_dict())

    def go_on(state: State) -> None:
        # Into the network first, which takes no weights of another shape.
        network.load_state_dict(state["best"])
        best_weights.update(state["best"])
        trainer.restore(state["trainer"])
        records.extend(EpochRecord(**record) for record in state["records"])

    checkpoint.restore(go_on)
    follow(records, stopping)
    yield from records
    while not is_over and len(records) < how.epochs and not stopping.is_over(len(records)):
        epoch = len(records) + 1
        norms = trainer.epoch(epoch)
        training_loss, training_accuracy = measure(network, sample)
        if is_diverged(training_loss, network.n_classes):
            raise Diverged(diverged_sentence(epoch, training_loss, how.learning_rate))
        validation_loss, validation_accuracy = measure(network, validation)
        if not math.isfinite(validation_loss):
            raise Diverged(unmeasured_sentence(epoch, how.learning_rate))
        is_best = stopping.is_best(epoch, validation_loss, validation_accuracy)
        if is_best:
            best_weights = copy.deepcopy(network.state_dict())
        record = EpochRecord(
            epoch,
            training_loss,
            training_accuracy,
            validation_loss,
            validation_accuracy,
            is_best,
            norms,
        )
        records.append(record)
        if checkpoint.is_due:
            checkpoint.save(
                {
                    "trainer": trainer.state(),
                    "best": best_weights,
                    "records": [vars(record) for record in records],
                }
            )
        yield record
    network.load_state_dict(best_weights)
    network.eval()


def refit(
    network: Perceptron,
    training: Batches,
    how: Optimisation,
    epochs: int,
    checkpoint: Checkpoint = NO_CHECKPOINT,
) -> Iterator[int]:
    """Fit for so many epochs of the schedule of `how`, yielding the number of each."""
    trainer = Trainer(network, training, how)
    done = 0

    def go_on(state: State) -> None:
        nonlocal done
        trainer.restore(state["trainer"])
        done = int(state["epoch"])

    checkpoint.restore(go_on)
    for epoch in range(done + 1, epochs + 1):
        trainer.epoch(epoch)
        if checkpoint.is_due:
            checkpoint.save({"trainer": trainer.state(), "epoch": epoch})
        yield epoch
    network.eval()
