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
from training.announce import show_notes, show_table
from training.config import RunConfig
from training.describe import describe_table, environment, history, signature
from training.evaluate import evaluate
from training.export import (
    check_parity,
    describe_artifact,
    export,
    make_golden,
)
from training.fitting.batches import Batches, InMemory
from training.fitting.fit import fit
from training.fitting.shuffle import ShuffleBuffer
from training.fitting.trainer import Optimisation
from training.guard import warnings
from training.inputs import Rows
from training.memory import allowed_bytes
from training.network import build_network, parameter_count
from training.plan import architecture, optimisation, settled
from training.prepare import Prepared, prepare
from training.preprocess import Learned, learn
from training.progress import Progress
from training.publish import check_writable, publish
from training.tables.table import Indices, Table
from training.trained import TrainedModel

_MEASURED_ROWS = 10_000


@dataclass(frozen=True)
class Run:
    """What a run published, where, and the model as PyTorch has it."""

    folder: Path
    manifest: Manifest
    model: TrainedModel


def run(asked: RunConfig) -> Run:
    """Train on a table and publish the next version. Raises TrainingError."""
    config = asked.resolved()
    name, threads = config.name, config.threads
    assert name is not None
    assert threads is not None
    torch.set_num_threads(threads)
    torch.manual_seed(config.seed)
    check_writable(config.models, name)

    data = prepare(config)
    table, split = data.table, data.split
    training_features = table.features[split.training]
    learned = learn(
        training_features, table.columns, scaling=config.scaling, bins=config.numeric_bins
    )
    notes = (
        *table.notes,
        *learned.notes,
        *warnings(
            training_features, table.columns, table.class_index[split.training], len(table.labels)
        ),
    )
    show_table(table.columns, learned.summaries)
    show_notes(notes)

    training_rows = int(data.training_counts.sum())
    config = settled(config, training_rows)
    shape = architecture(config, learned.preprocessing, len(table.labels))
    network = build_network(shape)
    how = optimisation(config, network)
    training = _rows(table, learned, split.training)
    validation = _rows(table, learned, split.validation)
    batches = _batches(data, learned, training, config, how)
    with Progress(config.epochs) as progress:
        watched = progress.watch(batches)
        epochs = progress.follow(fit(network, watched, _sample(training), validation, how))

    tensors = signature(table, learned, len(config.hidden))
    model = TrainedModel((network,), learned.preprocessing, table.labels, tensors)
    artifact = export(model)
    opened = OnnxModel(artifact, tensors)
    parity = check_parity(model, opened, table.features[split.test])
    scores = {
        part: evaluate(opened, table.features[rows], table.class_index[rows], table.labels)
        for part, rows in (("validation", split.validation), ("test", split.test))
    }
    manifest = Manifest(
        name=name,
        created=datetime.now(UTC).replace(microsecond=0),
        labels=table.labels,
        signature=tensors,
        artifact=describe_artifact(artifact),
        network=Network(
            widths=shape.widths,
            activation=shape.activation,
            dropout=shape.dropout,
            input_dropout=shape.input_dropout,
            batch_normalisation=shape.batch_normalisation,
            parameter_count=parameter_count(network),
        ),
        settings=config.model_dump(mode="json", exclude={"models", "data"}),
        table=describe_table(data, notes),
        scores=SplitScores(**scores),
        history=history(epochs),
        parity=parity,
        golden=make_golden(model, seed=config.seed),
        environment=environment(threads, how.dtype),
    )
    manifest_json = (manifest.model_dump_json(indent=1) + "\n").encode()
    open_version(PublishedVersion(0, parse_manifest(manifest_json), manifest_json, artifact))
    folder = publish(config.models, name, {ARTIFACT: artifact, MANIFEST: manifest_json})
    return Run(folder, manifest, model)


def _rows(table: Table, learned: Learned, rows: Indices) -> Rows:
    inputs = learned.preprocessing.encode(table.features[rows])
    return Rows(inputs, torch.from_numpy(table.class_index[rows]))


def _sample(rows: Rows) -> Rows:
    return rows[:: -(-len(rows) // _MEASURED_ROWS)]


def _batches(
    data: Prepared, learned: Learned, training: Rows, config: RunConfig, how: Optimisation
) -> Batches:
    if data.stream is None:
        return InMemory(training, batch_size=how.batch_size, dtype=how.dtype, seed=how.seed)
    return ShuffleBuffer(
        data.stream,
        data.table.columns,
        learned.preprocessing,
        batch_size=how.batch_size,
        dtype=how.dtype,
        memory=allowed_bytes(config.memory),
        seed=how.seed,
    )
