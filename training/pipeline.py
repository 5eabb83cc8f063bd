"""The whole run, top to bottom: read, split, fit, evaluate, export, check, publish."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import torch

from service.inference.onnx_model import OnnxModel
from service.inference.predictor import open_version
from service.model_repository.layout import ARTIFACT, MANIFEST, PublishedVersion
from service.model_repository.manifest import (
    Manifest,
    Network,
    SplitScores,
    parse_manifest,
)
from training.config import RunConfig
from training.describe import describe_table, environment, history, signature
from training.errors import ConfigInvalid
from training.evaluate import evaluate
from training.export import (
    TrainedModel,
    check_parity,
    describe_artifact,
    export,
    make_golden,
)
from training.fit import Optimisation, Rows, fit
from training.network import build_network, parameter_count
from training.preprocess import Standardisation, learn_standardisation
from training.progress import Progress
from training.publish import check_writable, publish
from training.split import stratified_split
from training.table import Indices, Table, load_dataset, read_labelled, require_classes

_BATCH_SIZE = 32


@dataclass(frozen=True)
class Run:
    """What a run published, and where."""

    folder: Path
    manifest: Manifest


def run(asked: RunConfig) -> Run:
    """Train on a table and publish the next version. Raises TrainingError."""
    config = asked.resolved()
    name, threads = config.name, config.threads
    assert name is not None
    assert threads is not None
    torch.set_num_threads(threads)
    torch.manual_seed(config.seed)

    table = _read(config)
    require_classes(table)
    check_writable(config.models, name)

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
    tensors = signature(table, config)
    opened = OnnxModel(artifact, tensors)
    test_features = table.features[split.test]
    parity = check_parity(model, opened, test_features)

    manifest = Manifest(
        name=name,
        created=datetime.now(UTC).replace(microsecond=0),
        labels=table.labels,
        signature=tensors,
        artifact=describe_artifact(artifact),
        network=Network(
            widths=(len(table.feature_names), *config.hidden, len(table.labels)),
            activation=config.activation,
            dropout=config.dropout,
            parameter_count=parameter_count(network),
        ),
        settings=config.model_dump(mode="json", exclude={"models", "data"}),
        table=describe_table(table, split),
        scores=SplitScores(
            validation=evaluate(
                opened,
                table.features[split.validation],
                table.class_index[split.validation],
                table.labels,
            ),
            test=evaluate(opened, test_features, table.class_index[split.test], table.labels),
        ),
        history=history(epochs),
        parity=parity,
        golden=make_golden(model, seed=config.seed),
        environment=environment(threads),
    )
    manifest_json = (manifest.model_dump_json(indent=1) + "\n").encode()
    open_version(PublishedVersion(0, parse_manifest(manifest_json), manifest_json, artifact))
    folder = publish(config.models, name, {ARTIFACT: artifact, MANIFEST: manifest_json})
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
