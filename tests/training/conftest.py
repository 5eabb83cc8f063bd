"""Small tables, and one model trained on real data for the whole session."""

import csv
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from service.inference.features import Features, numbers_only
from service.model_repository.signature import Signature
from training.config import AcceptMissing, Scaling
from training.config_file import read_config
from training.describe import signature
from training.finish import Run
from training.inputs import Column
from training.network import Architecture, build_network
from training.pipeline import run
from training.preprocess import learn
from training.tables.files import read_data
from training.tables.read import features_of
from training.tables.table import Table
from training.trained import TrainedModel

WriteCsv = Callable[[str, Sequence[str], Iterable[Sequence[object]]], Path]


@pytest.fixture
def write_csv(tmp_path: Path) -> WriteCsv:
    """Write a CSV file from a header and rows, and return its path."""

    def write(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
        path = tmp_path / name
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([header, *rows])
        return path

    return write


@pytest.fixture
def two_blobs(write_csv: WriteCsv) -> Path:
    """90 rows of two numbers; the label says around which of two points they lie."""
    generator = np.random.default_rng(0)
    rows = []
    for label, centre in (("near", 0.0), ("far", 5.0)):
        for x, y in generator.normal(centre, 1.0, (45, 2)):
            rows.append((f"{x:.4f}", f"{y:.4f}", label))
    return write_csv("blobs.csv", ("x", "y", "place"), rows)


@pytest.fixture
def noise_table() -> Table:
    """100 rows of 5 random numbers in three classes."""
    generator = np.random.default_rng(1)
    return Table(
        source="noise",
        target="y",
        columns=tuple(Column(name, "number") for name in "abcde"),
        labels=("u", "v", "w"),
        features=numbers_only(generator.normal(3.0, 2.0, (100, 5)).astype(np.float32)),
        class_index=generator.integers(0, 3, 100),
    )


@pytest.fixture
def mixed_table() -> Table:
    """120 rows of numbers with gaps and of text, one column with many categories."""
    generator = np.random.default_rng(2)
    numeric = generator.normal(50.0, 20.0, (120, 2)).astype(np.float32)
    numeric[generator.random(120) < 0.2, 1] = np.nan
    few = generator.choice(["red", "green", "blue", ""], 120)
    rare = generator.choice(["often", "always", "once"], 120, p=[0.6, 0.38, 0.02])
    many = np.array([f"town {i % 15}" for i in range(120)])
    return Table(
        source="mixed",
        target="y",
        columns=(
            Column("height", "number"),
            Column("colour", "category"),
            Column("weight", "number"),
            Column("how often", "category"),
            Column("town", "category"),
        ),
        labels=("u", "v", "w"),
        features=Features(numeric, np.stack([few, rare, many], axis=1).astype(object)),
        class_index=generator.integers(0, 3, 120),
    )


def untrained(
    table: Table,
    *,
    hidden: tuple[int, ...] = (16,),
    activation: str = "relu",
    bins: int = 0,
    scaling: Scaling = "robust",
    seed: int = 0,
    accept_missing: AcceptMissing = "seen",
    **shape: Any,
) -> TrainedModel:
    """A model of freshly initialised weights behind preprocessing learned from the whole table."""
    learned = learn(table.features, table.columns, scaling=scaling, bins=bins)
    preprocessing = learned.preprocessing
    torch.manual_seed(seed)
    network = build_network(
        Architecture(
            n_encoded=preprocessing.n_encoded,
            embeddings=preprocessing.embeddings,
            hidden=hidden,
            n_classes=len(table.labels),
            activation=activation,
            dropout=(0.5,) * len(hidden),
            **shape,
        )
    )
    network.eval()
    tensors = signature(table, learned, len(hidden), accept_missing=accept_missing)
    return TrainedModel((network,), preprocessing, table.labels, tensors)


@pytest.fixture(scope="session")
def penguins(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Penguins, trained and published: numbers, text and gaps."""
    models = tmp_path_factory.mktemp("models")
    return run(read_config(None, {"dataset": "penguins", "models": models, "epochs": 30}))


@pytest.fixture(scope="session")
def iris(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Iris, trained and published: labels are text."""
    models = tmp_path_factory.mktemp("models")
    return run(read_config(None, {"dataset": "iris", "models": models, "epochs": 60}))


def read_features(path: Path, signature: Signature, delimiter: str | None = None) -> Features:
    """The rows of a file as a model with this signature takes them. Raises TableInvalid."""
    return features_of(path, read_data(path, delimiter=delimiter), signature)
