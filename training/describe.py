"""What the manifest says of a run: its tensors, table, epochs and surroundings."""

import platform
from collections.abc import Sequence
from importlib.metadata import version
from typing import Literal

import numpy as np
import torch
from pydantic import JsonValue

from service import VERSION
from service.model_repository.manifest import (
    ClassBalance,
    Epoch,
    History,
    TableDescription,
)
from service.model_repository.provenance import Grouping, Twins
from service.model_repository.signature import Feature, Signature, UncertaintyOutputs
from training.config import AcceptMissing
from training.fitting.early_stopping import EpochRecord
from training.inputs import Column
from training.prepare import Prepared
from training.preprocess import Learned, Summary
from training.tables.table import Indices, Table
from training.twins import FoundTwins

_DTYPES: dict[str, Literal["float32", "string", "date"]] = {
    "number": "float32", "category": "string", "date": "date",
}  # fmt: skip
_LIBRARIES = ("torch", "numpy", "onnx", "onnxruntime", "scikit-learn", "polars", "pyarrow")


def signature(
    table: Table,
    learned: Learned,
    n_hidden: int,
    *,
    has_masks: bool = False,
    accept_missing: AcceptMissing = "seen",
) -> Signature:
    """The rows that this run's graph takes, and its tensors.

    A gap that test rows alone have is refused in a request; the graph, which is scored on them,
    takes it.
    """
    features = table.features
    has_text = bool(features.categorical.shape[1])
    has_gaps = (
        has_text
        or any(summary.missing for summary in learned.summaries)
        or bool(np.isnan(features.numeric).any())
    )
    pairs = zip(table.columns, learned.summaries, strict=True)
    return Signature(
        features=tuple(_feature(column, summary, accept_missing) for column, summary in pairs),
        left_out=table.left_out,
        accepts_missing=has_gaps or accept_missing == "all",
        trims_text=True,
        missing_texts=table.missing_texts,
        hidden=tuple(f"hidden_{i}" for i in range(1, n_hidden + 1)),
        uncertainty=UncertaintyOutputs() if has_masks else None,
    )


def _feature(column: Column, summary: Summary, accept_missing: AcceptMissing) -> Feature:
    accepts = {"all": True, "seen": summary.missing > 0, "none": False}
    return Feature(
        name=column.name,
        dtype=_DTYPES[column.kind],
        date_form=column.date_form if column.kind == "date" else None,
        missing=summary.missing,
        accepts_missing=accepts[accept_missing],
        minimum=summary.minimum,
        maximum=summary.maximum,
        categories=summary.categories,
        respelled=summary.respelled,
        folds_case=column.folds_case,
        unused=summary.unused,
        written=column.written,
    )


def describe_table(
    data: Prepared, notes: Sequence[str], twins: FoundTwins | None
) -> TableDescription:
    """Where the rows came from, how many of each class went where, and what is odd."""
    table, split = data.table, data.split

    def counts(rows: Indices) -> list[int]:
        return list(map(int, np.bincount(table.class_index[rows], minlength=len(table.labels))))

    balance = zip(
        table.labels,
        map(int, data.training_counts),
        counts(split.validation),
        counts(split.test),
        strict=True,
    )
    return TableDescription(
        source=table.source,
        target=table.target,
        fingerprint=data.fingerprint,
        test_source=table.test_source,
        data_fingerprint=table.data_fingerprint,
        rows={
            "training": int(data.training_counts.sum()),
            "validation": len(split.validation),
            "test": len(split.test),
        },
        class_balance=tuple(
            ClassBalance(label=label, training=training, validation=validation, test=test)
            for label, training, validation, test in balance
        ),
        groups=None
        if table.groups is None
        else Grouping(column=table.groups.column, count=table.groups.count),
        twins=None
        if twins is None
        else Twins(
            rows=twins.rows,
            share=twins.rows / twins.test_rows,
            other_label=twins.other_label,
            is_whole=twins.is_whole,
        ),
        notes=tuple(notes),
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
                gradient_norms=tuple(float(f"{norm:.3g}") for norm in record.gradient_norms),
            )
            for record in records
        ),
    )


def environment(threads: int, dtype: torch.dtype) -> dict[str, JsonValue]:
    """What the result depends on beside config and data: it is bit-equal only at these."""
    return {
        "mlpserve": VERSION,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "threads": threads,
        "precision": str(dtype).removeprefix("torch."),
        **{name: version(name) for name in _LIBRARIES},
    }
