"""The settings of `fit` and `select` by what they are about, in the order that --help has."""

from typing import Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from service.activations.table import TABLE
from training.config import RunConfig

GROUPS: dict[str, tuple[str, ...]] = {
    "data": (
        "data", "target", "dataset", "test", "group", "delimiter", "decimal", "missing", "numeric",
        "categorical", "fold_case", "date", "ignore", "memory",
    ),
    "split": ("validation_fraction", "test_fraction", "seed"),
    "preprocessing": ("scaling", "numeric_bins", "accept_missing"),
    "network": (
        "hidden", "activation", "dropout", "input_dropout", "batch_normalisation", "uncertainty",
    ),
    "optimisation": (
        "optimiser", "learning_rate", "schedule", "momentum", "weight_decay", "max_norm",
        "label_smoothing", "batch_size", "precision", "threads",
    ),
    "stopping": ("epochs", "patience", "monitor"),
    "search": (
        "vary", "search", "settings", "folds", "halving", "ensemble", "storage", "worker",
    ),
    "output": (
        "name", "models", "report", "learning_curve", "runs", "tensorboard", "mlflow",
    ),
}  # fmt: skip
# What a value is called where the setting's own last word says less.
METAVARS = {
    "data": "PATH", "test": "PATH", "target": "COLUMN", "group": "COLUMN", "numeric": "COLUMN",
    "categorical": "COLUMN", "fold_case": "COLUMN", "date": "COLUMN", "ignore": "COLUMN",
    "missing": "TEXT", "delimiter": "CHARACTER", "decimal": "CHARACTER", "memory": "SIZE",
    "hidden": "WIDTH", "dropout": "RATE", "input_dropout": "RATE", "epochs": "N", "patience": "N",
    "settings": "N", "folds": "N", "threads": "N", "uncertainty": "MASKS",
    "label_smoothing": "SHARE", "storage": "URL", "models": "FOLDER", "runs": "FOLDER",
    "tensorboard": "FOLDER", "mlflow": "URI",
}  # fmt: skip


def grouped(kind: type[RunConfig]) -> dict[str, list[str]]:
    """Every setting of a configuration, under the title of its group."""
    fields = kind.model_fields
    found = {title: [name for name in names if name in fields] for title, names in GROUPS.items()}
    return {title: names for title, names in found.items() if names}


def choices(name: str, field: FieldInfo) -> tuple[str, ...]:
    """The words that a setting may be; empty where it is no choice among words."""
    return tuple(TABLE) if name == "activation" else _words(field.annotation)


def _words(annotation: object) -> tuple[str, ...]:
    if get_origin(annotation) is Literal:
        return tuple(map(str, get_args(annotation)))
    return tuple(word for part in get_args(annotation) for word in _words(part))
