"""Who is compared: scikit-learn's classifiers as they come, `fit`, and `select`."""

import copy
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from training.config import RunConfig
from training.finish import calibrated
from training.pipeline import fit_table
from training.plan import settled
from training.prepare import Prepared, split_of
from training.preprocess import learn
from training.select_config import SelectConfig
from training.selection import fit_winner, search_settings
from training.split import Split
from training.start import Start, begin
from training.stopwatch import Stopwatch
from training.tables.table import Indices, Table

Probabilities = npt.NDArray[np.floating]
# Of a table, the rows to learn from and those to answer.
Contestant = Callable[[Table, Indices, Indices], Probabilities]


class Columns:
    """A table as scikit-learn takes it: numbers first, then categories."""

    def __init__(self, table: Table) -> None:
        numeric, categorical = table.features.numeric, table.features.categorical
        self.numbers = list(range(numeric.shape[1]))
        self.categories = list(range(numeric.shape[1], numeric.shape[1] + categorical.shape[1]))
        self.values = np.concatenate([numeric.astype(object), categorical], axis=1)


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


def fitted(table: Table, training: Indices, test: Indices) -> Probabilities:
    """`fit` without flags: a part of the training rows says when to stop."""
    rows = np.concatenate([training, test])
    apart = replace(
        table,
        features=table.features[rows],
        class_index=table.class_index[rows],
        test_rows=len(test),
    )
    config = RunConfig(name="compared").resolved()
    split = split_of(apart, config)
    counts = np.bincount(apart.class_index[split.training], minlength=len(table.labels))
    begun = begin(Prepared(apart, split, counts, "", None), config, Stopwatch())
    config = settled(begun.config, len(split.training))
    model, _ = calibrated(begun, fit_table(begun, config))
    return model.probabilities(table.features[test])
