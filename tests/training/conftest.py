"""Small tables, and one model trained on real data for the whole session."""

import csv
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest

from training.config import read_config
from training.pipeline import Run, run
from training.table import Table

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
        feature_names=("a", "b", "c", "d", "e"),
        labels=("u", "v", "w"),
        features=generator.normal(3.0, 2.0, (100, 5)).astype(np.float32),
        class_index=generator.integers(0, 3, 100),
    )


@pytest.fixture(scope="session")
def iris(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Iris, trained and published: labels are text."""
    models = tmp_path_factory.mktemp("models")
    return run(read_config(None, {"dataset": "iris", "models": models, "epochs": 60}))
