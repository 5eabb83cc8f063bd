"""Cross-validation side by side against one fit after the other, in one run and one table.

Five folds times eight dropout rates on digits, one hidden layer, 20 epochs, batches of 64. The
other side is the loop of every tutorial: nn.Linear, nn.ReLU, nn.Dropout, autograd, torch.optim.SGD,
and after each epoch the loss on the fold's validation rows; its rows are a tensor that is
shuffled and cut by index, which is much faster than a DataLoader. This side is what `select`
runs, which measures training rows too. Both use all cores, and take turns.

    make bench-select
"""

import argparse
import os
import statistics
import time

import torch
from torch import nn

from training.cross_validation import CrossValidation, Unwatched
from training.fitting.checkpoint import NoCheckpoint
from training.fitting.job import Job
from training.fitting.trainer import Optimisation
from training.inputs import Inputs, Rows
from training.jobs import Fold, fold_rows
from training.network import Architecture, build_network
from training.preprocess import learn
from training.split import stratified_folds
from training.tables.datasets import load_dataset

RATES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
FOLDS, EPOCHS, BATCH_SIZE = 5, 20, 64
LEARNING_RATE, MOMENTUM, DECAY = 0.05, 0.9, 1e-4
WANTED = {64: 8.0, 256: 4.0}


def digits() -> tuple[Rows, list[Fold]]:
    """All rows, encoded, and their folds."""
    table = load_dataset("digits")
    preprocessing = learn(table.features, table.columns, scaling="standard", bins=0).preprocessing
    inputs = preprocessing.encode(table.features)
    folds = stratified_folds(table.class_index, table.labels, folds=FOLDS, seed=1)
    return Rows(inputs, torch.from_numpy(table.class_index)), fold_rows(folds)


def one_after_the_other(rows: Rows, folds: list[Fold], hidden: int) -> list[float]:
    """The last validation loss of every fit."""
    losses = []
    for training, validation in folds:
        x, y = rows.inputs.encoded[training], rows.class_index[training]
        other = rows[validation]
        for rate in RATES:
            network = nn.Sequential(*build_network(_shape(rows.inputs, hidden, rate)).layers)
            optimiser = torch.optim.SGD(
                network.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM, weight_decay=DECAY
            )
            criterion = nn.CrossEntropyLoss()
            loss = 0.0
            for _ in range(EPOCHS):
                network.train()
                for chosen in torch.split(torch.randperm(len(x)), BATCH_SIZE):
                    optimiser.zero_grad()
                    criterion(network(x[chosen]), y[chosen]).backward()
                    optimiser.step()
                network.eval()
                with torch.no_grad():
                    loss = criterion(network(other.inputs.encoded), other.class_index).item()
            losses.append(loss)
    return losses


def side_by_side(rows: Rows, folds: list[Fold], hidden: int) -> list[float]:
    """The last validation loss of every fit."""
    jobs = [
        Job(
            _shape(rows.inputs, hidden, rate),
            _how(fold),
            *folds[fold],
            initial_seed=fold,
            fold=fold,
        )
        for rate in RATES
        for fold in range(FOLDS)
    ]
    search = CrossValidation(jobs, FOLDS, rows)
    search.run(pruner=None, watcher=Unwatched(), checkpoint=NoCheckpoint())
    return [
        records[-1].validation_loss
        for setting in range(len(RATES))
        for records in search.records(setting)
    ]


def _shape(inputs: Inputs, hidden: int, rate: float) -> Architecture:
    return Architecture(
        n_encoded=inputs.encoded.shape[1],
        embeddings=(),
        hidden=(hidden,),
        n_classes=10,
        activation="relu",
        dropout=(rate,),
    )


def _how(seed: int) -> Optimisation:
    return Optimisation(
        epochs=EPOCHS,
        batch_size=BATCH_SIZE,
        optimiser="sgd",
        learning_rate=LEARNING_RATE,
        schedule="constant",
        momentum=MOMENTUM,
        weight_decay=DECAY,
        dtype=torch.float32,
        monitor="loss",
        patience=EPOCHS,
        seed=seed,
    )


def main() -> None:
    """Time both sides in turn, and print medians."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--turns", type=int, default=5, help="turns of each side (default: 5)")
    options = parser.parse_args()
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    rows, folds = digits()
    print(f"{FOLDS} folds x {len(RATES)} dropout rates, {EPOCHS} epochs, batches of {BATCH_SIZE}")
    print("hidden  one after the other  side by side  ratio  wanted  mean validation loss")
    for hidden, wanted in WANTED.items():
        side_by_side(rows, folds, hidden)
        seconds: tuple[list[float], list[float]] = ([], [])
        losses = [0.0, 0.0]
        for _ in range(options.turns):
            for side, train in enumerate((one_after_the_other, side_by_side)):
                start = time.perf_counter()
                found = train(rows, folds, hidden)
                seconds[side].append(time.perf_counter() - start)
                losses[side] = statistics.fmean(found)
        theirs, ours = map(statistics.median, seconds)
        ratio = statistics.median(a / b for a, b in zip(*seconds, strict=True))
        print(
            f"{hidden:6}  {theirs:17.2f} s  {ours:10.2f} s  {ratio:5.1f}  {wanted:6.1f}  "
            f"{losses[0]:.4f} against {losses[1]:.4f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
