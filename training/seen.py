"""Whether rows to score are those that a version was trained on, and which of them were not."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl
from pydantic import ValidationError

from service.inference.features import Features
from service.inference.predictor import Predictor
from service.model_repository.manifest import Manifest, Scores
from training.config import RunConfig
from training.errors import TrainingError
from training.evaluate import evaluate
from training.prepare import asked_of, is_parquet_table, split_of
from training.tables.files import Arrays
from training.tables.parquet_files import files_fingerprint
from training.tables.read import table_of
from training.tables.table import Indices, Table

_EQUAL_LOG_LOSS = 1e-5


@dataclass(frozen=True)
class SeenTable:
    """The table of a version again, and its test rows as the settings give them, if they do."""

    test: Indices | None


def seen_table(
    path: Path, data: pl.DataFrame | Arrays, target: str, manifest: Manifest
) -> SeenTable | None:
    """What was read from a path if the version was trained on it, by its fingerprint."""
    if is_parquet_table(path) and files_fingerprint(path, target) == manifest.table.fingerprint:
        # It was streamed: how its rows were divided depends on the memory that there was.
        return SeenTable(None)
    settings = {k: v for k, v in manifest.settings.items() if k in RunConfig.model_fields}
    given = {"dataset": None, "data": path, "target": target}
    try:
        config = RunConfig.model_validate(settings | given)
        table = table_of(path, data, target, asked_of(config))
    except (TrainingError, ValidationError):
        # What cannot be read as the version's table was is another one.
        return None
    if table.fingerprint == manifest.table.data_fingerprint:
        # Its test rows are in a file of their own.
        return SeenTable(None)
    if table.fingerprint != manifest.table.fingerprint:
        return None
    return SeenTable(_test_rows(table, config))


def _test_rows(table: Table, config: RunConfig) -> Indices | None:
    try:
        return split_of(table, config).test
    except TrainingError:
        return None


def score_seen(
    predictor: Predictor, features: Features, class_index: Indices, seen: SeenTable
) -> tuple[Scores, str]:
    """Scores on the test rows of a version's own table, or on all of it, and a sentence on that.

    The test rows are the right ones only if they score as the manifest has it.
    """
    manifest = predictor.manifest
    if seen.test is not None:
        test = seen.test
        scores = evaluate(predictor.model, features[test], class_index[test], manifest.labels)
        if _agree(scores, manifest.scores.test):
            return scores, (
                f"the model was trained on this table: scored are only its {len(test)} test rows, "
                f"not the {len(features) - len(test)} that it was trained on or validated with"
            )
    scores = evaluate(predictor.model, features, class_index, manifest.labels)
    return scores, (
        "the model was trained on this table, and no test rows of it can be told from the others: "
        f"all {len(features)} rows are scored, and the scores flatter"
    )


def _agree(scores: Scores, published: Scores) -> bool:
    return (
        scores.rows == published.rows
        and abs(scores.log_loss - published.log_loss) < _EQUAL_LOG_LOSS
    )
