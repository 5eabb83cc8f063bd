"""The whole run, top to bottom: read, split, fit, evaluate, export, check, publish."""

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from service.inference.onnx_model import OnnxModel
from service.inference.predictor import open_version
from service.model_repository.layout import ARTIFACT, MANIFEST, PublishedVersion
from service.model_repository.manifest import (
    ClassBalance,
    Epoch,
    Feature,
    History,
    Manifest,
    Network,
    Signature,
    SplitScores,
    TableDescription,
    parse_manifest,
)
from training.config import RunConfig
from training.errors import ConfigInvalid
from training.evaluate import evaluate
from training.export import (
    TrainedModel,
    check_parity,
    describe_artifact,
    export,
    make_golden,
)
from training.fit import EpochRecord, Optimisation, Rows, fit
from training.network import build_network, parameter_count
from training.preprocess import Standardisation, learn_standardisation
from training.progress import Progress
from training.publish import check_writable, publish
from training.split import Split, stratified_split
from training.table import Indices, Table, load_dataset, read_labelled, require_classes

_BATCH_SIZE = 32
_LIBRARIES = ("torch", "numpy", "onnx", "onnxruntime", "scikit-learn", "polars")


@dataclass(frozen=True)
class Run:
    """What a run published, and where."""

    folder: Path
    manifest: Manifest


def run(asked: RunConfig) -> Run:
    """Train on a table and publish the next version. Raises TrainingError."""
    config = asked.resolved()
    assert config.name is not None and config.threads is not None
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)

    table = _read(config)
    require_classes(table)
    check_writable(config.models, config.name)

    split = stratified_split(
        table.class_index,
        table.labels,
        validation_fraction=config.validation_fraction,
        test_fraction=config.test_fraction,
        seed=config.seed,
    )
    config = config.model_copy(update={"batch_size": _batch_size(config, len(split.training))})
    standardisation = learn_standardisation(table.features[split.training])

    network = build_network(
        n_features=len(table.feature_names),
        hidden=config.hidden,
        n_classes=len(table.labels),
        activation=config.activation,
        dropout=config.dropout,
    )
    training = _rows(table, standardisation, split.training)
    validation = _rows(table, standardisation, split.validation)
    with Progress(config.epochs) as progress:
        epochs = progress.follow(fit(network, training, validation, _optimisation(config)))

    model = TrainedModel(network, standardisation, table.labels)
    artifact = export(model)
    signature = _signature(table, config)
    opened = OnnxModel(artifact, signature)
    test_features = table.features[split.test]
    parity = check_parity(model, opened, test_features)

    manifest = Manifest(
        name=config.name,
        created=datetime.now(UTC).replace(microsecond=0),
        labels=table.labels,
        signature=signature,
        artifact=describe_artifact(artifact),
        network=Network(
            widths=(len(table.feature_names), *config.hidden, len(table.labels)),
            activation=config.activation,
            dropout=config.dropout,
            parameter_count=parameter_count(network),
        ),
        settings=config.model_dump(mode="json", exclude={"models", "data"}),
        table=_describe_table(table, split),
        scores=SplitScores(
            validation=evaluate(
                opened,
                table.features[split.validation],
                table.class_index[split.validation],
                table.labels,
            ),
            test=evaluate(opened, test_features, table.class_index[split.test], table.labels),
        ),
        history=_history(epochs),
        parity=parity,
        golden=make_golden(model, seed=config.seed),
        environment=_environment(config.threads),
    )
    manifest_json = (manifest.model_dump_json(indent=1) + "\n").encode()
    open_version(PublishedVersion(0, parse_manifest(manifest_json), manifest_json, artifact))
    folder = publish(config.models, config.name, {ARTIFACT: artifact, MANIFEST: manifest_json})
    return Run(folder, manifest)


def _read(config: RunConfig) -> Table:
    if config.data is None:
        assert config.dataset is not None
        return load_dataset(config.dataset)
    assert config.target is not None
    return read_labelled(config.data, config.target)


def _batch_size(config: RunConfig, training_rows: int) -> int:
    if config.batch_size is None:
        return min(_BATCH_SIZE, training_rows)
    if config.batch_size > training_rows:
        raise ConfigInvalid(
            f"batch_size: expected at most the {training_rows} training rows, "
            f"got {config.batch_size}"
        )
    return config.batch_size


def _rows(table: Table, standardisation: Standardisation, rows: Indices) -> Rows:
    return Rows(
        standardisation.apply(table.features[rows]), torch.from_numpy(table.class_index[rows])
    )


def _optimisation(config: RunConfig) -> Optimisation:
    assert config.batch_size is not None
    return Optimisation(
        epochs=config.epochs,
        batch_size=config.batch_size,
        learning_rate=config.learning_rate,
        momentum=config.momentum,
        weight_decay=config.weight_decay,
        patience=config.patience,
        seed=config.seed,
    )


def _signature(table: Table, config: RunConfig) -> Signature:
    return Signature(
        features=tuple(Feature(name=name) for name in table.feature_names),
        hidden=tuple(f"hidden_{i}" for i, _ in enumerate(pairwise((0, *config.hidden)), 1)),
    )


def _describe_table(table: Table, split: Split) -> TableDescription:
    def counts(rows: Indices) -> list[int]:
        return np.bincount(table.class_index[rows], minlength=len(table.labels)).tolist()

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


def _history(records: Sequence[EpochRecord]) -> History:
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


def _environment(threads: int) -> dict[str, str | int]:
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "threads": threads,
        **{name: version(name) for name in _LIBRARIES},
    }
