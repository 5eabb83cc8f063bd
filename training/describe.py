"""What the manifest says of a run: its tensors, table, epochs and surroundings."""

import platform
from collections.abc import Sequence
from importlib.metadata import version

import numpy as np
from pydantic import JsonValue

from service.model_repository.manifest import (
    ClassBalance,
    Epoch,
    Feature,
    History,
    Signature,
    TableDescription,
)
from training.config import RunConfig
from training.fit import EpochRecord
from training.split import Split
from training.table import Indices, Table

_LIBRARIES = ("torch", "numpy", "onnx", "onnxruntime", "scikit-learn", "polars")


def signature(table: Table, config: RunConfig) -> Signature:
    """The tensors of the graph that this run exports."""
    return Signature(
        features=tuple(Feature(name=name) for name in table.feature_names),
        hidden=tuple(f"hidden_{i}" for i in range(1, len(config.hidden) + 1)),
    )


def describe_table(table: Table, split: Split) -> TableDescription:
    """Where the rows came from, and how many of each class went where."""

    def counts(rows: Indices) -> list[int]:
        return list(map(int, np.bincount(table.class_index[rows], minlength=len(table.labels))))

    balance = zip(
        table.labels,
        counts(split.training),
        counts(split.validation),
        counts(split.test),
        strict=True,
    )
    return TableDescription(
        source=table.source,
        target=table.target,
        fingerprint=table.fingerprint,
        rows={
            "training": len(split.training),
            "validation": len(split.validation),
            "test": len(split.test),
        },
        class_balance=tuple(
            ClassBalance(label=label, training=training, validation=validation, test=test)
            for label, training, validation, test in balance
        ),
    )


def history(records: Sequence[EpochRecord]) -> History:
    """Every epoch, and the one whose weights were kept."""
    return History(
        best_epoch=max(record.epoch for record in records if record.is_best),
        epochs=tuple(
            Epoch(
                training_loss=record.training_loss,
                training_accuracy=record.training_accuracy,
                validation_loss=record.validation_loss,
                validation_accuracy=record.validation_accuracy,
            )
            for record in records
        ),
    )


def environment(threads: int) -> dict[str, JsonValue]:
    """What the result depends on beside config and data: it is bit-equal only at these."""
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "threads": threads,
        **{name: version(name) for name in _LIBRARIES},
    }
