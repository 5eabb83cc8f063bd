"""A date has the same answer in a file, in a request and from the graph alone."""

import datetime as dt
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import polars as pl
import pytest

from tests.service_process import started
from tests.training.conftest import read_features
from training.config_file import read_config
from training.finish import Run
from training.pipeline import run

ROWS = 240


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    """Dates without gaps, moments with some; the label is whether the date is of a weekend."""
    generator = np.random.default_rng(3)
    joined = [dt.date(2021, 1, 1) + dt.timedelta(int(i)) for i in generator.integers(0, 900, ROWS)]
    start = dt.datetime(2020, 5, 1)  # noqa: DTZ001 - a table's moments have no zone
    seen = [start + dt.timedelta(minutes=int(i)) for i in generator.integers(0, 800_000, ROWS)]
    gaps = generator.random(ROWS) < 0.2
    return pl.DataFrame(
        {
            "joined": joined,
            "amount": generator.normal(size=ROWS),
            "seen": [None if gap else moment for gap, moment in zip(gaps, seen, strict=True)],
            "town": generator.choice(["Bonn", "Ulm"], ROWS),
            "label": ["end" if date.weekday() >= 5 else "week" for date in joined],
        }
    )


def _written(frame: pl.DataFrame, folder: Path, kind: str) -> Path:
    """The table as a file; of CSV with its dates as ISO text, or as others write it."""
    path = folder / f"rows_{kind}.{'parquet' if kind == 'parquet' else 'csv'}"
    date, moment = {
        "parquet": ("", ""),
        "iso": ("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"),
        "slashes": ("%d/%m/%Y", "%m/%d/%Y %H:%M"),
        "dots": ("%d.%m.%Y", "%Y/%m/%d %H:%M:%S"),
    }[kind]
    if kind == "parquet":
        frame.write_parquet(path)
        return path
    frame.with_columns(
        pl.col("joined").dt.strftime(date), pl.col("seen").dt.strftime(moment)
    ).write_csv(path)
    return path


@pytest.fixture(scope="module", params=["parquet", "iso", "slashes", "dots"])
def trained(
    request: pytest.FixtureRequest, frame: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory
) -> Run:
    folder = tmp_path_factory.mktemp("dates")
    path = _written(frame, folder, request.param)
    flags: dict[str, Any] = {
        "data": path, "target": "label", "models": folder / "models", "epochs": 8,
        "report": "none", "name": "dated",
    }  # fmt: skip
    return run(read_config(None, flags))


@pytest.fixture(scope="module")
def client(trained: Run) -> Iterator[httpx.Client]:
    with (
        started("--models", trained.folder.parent.parent) as service,
        httpx.Client(base_url=service.url, timeout=30) as client,
    ):
        yield client


def _predict(client: httpx.Client, rows: list[dict[str, Any]]) -> httpx.Response:
    return client.post("/v1/models/dated:predict", json={"instances": rows, "warnings": True})


def test_manifest_knows_dates_and_how_files_write_them(trained: Run) -> None:
    manifest = trained.manifest
    features = {feature.name: feature for feature in manifest.signature.features}

    assert manifest.schema_version == 5
    assert [f.dtype for f in features.values()] == ["date", "float32", "date", "string"]
    assert features["joined"].missing == 0 < features["seen"].missing
    assert manifest.golden.rows[0][0] is not None


def test_row_of_a_file_and_its_request_and_the_graph_alone_answer_alike(
    trained: Run, client: httpx.Client, frame: pl.DataFrame, tmp_path: Path
) -> None:
    rows = frame.drop("label").to_dicts()
    as_json = json.loads(json.dumps(rows, default=lambda date: date.isoformat()))
    signature = trained.manifest.signature
    features, from_text = (
        read_features(_written(frame, tmp_path, kind), signature) for kind in ("parquet", "iso")
    )
    np.testing.assert_array_equal(features.numeric, from_text.numeric)
    expected = trained.model.probabilities(features)

    answer = _predict(client, as_json)
    alone = _alone(trained, frame)

    assert answer.status_code == 200, answer.text
    served = np.array([p["probabilities"] for p in answer.json()["predictions"]])
    assert np.abs(served - expected).max() <= 1e-5
    assert np.abs(alone - expected).max() <= 1e-5


def _alone(trained: Run, frame: pl.DataFrame) -> np.ndarray:
    """The answers of a process that has the file, and days since 1970-01-01 from Python's own."""
    epoch = dt.datetime(1970, 1, 1)  # noqa: DTZ001
    step = dt.timedelta(days=1) / 256
    numeric = [
        [
            (row["joined"] - epoch.date()).days,
            row["amount"],
            float("nan") if row["seen"] is None else (row["seen"] - epoch) // step / 256,
        ]
        for row in frame.to_dicts()
    ]
    program = (
        "import json, sys, numpy as np, onnxruntime as ort\n"
        "numeric, towns = json.load(sys.stdin)\n"
        "print(json.dumps(ort.InferenceSession(sys.argv[1]).run(['probabilities'], {\n"
        "    'numeric': np.array(numeric, dtype=np.float32),\n"
        "    'categorical': np.array([[town] for town in towns], dtype=object),\n"
        "})[0].tolist()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(trained.folder / "model.onnx")],
        input=json.dumps([numeric, frame.get_column("town").to_list()]),
        capture_output=True,
        text=True,
        check=True,
        cwd="/",
    )
    return np.array(json.loads(done.stdout))


def test_what_is_no_date_is_told_and_a_date_far_away_is_unusual(client: httpx.Client) -> None:
    row = {"joined": "2022-02-03", "amount": 1, "seen": None, "town": "Bonn"}

    wrong = _predict(client, [row, row | {"joined": "03/02/2022"}])
    late = _predict(client, [row | {"joined": "2031-02-03"}])

    assert wrong.status_code == 422
    assert wrong.json()["errors"] == [
        {
            "row": 1,
            "feature": "joined",
            "message": 'expected a date such as 2024-05-31, got "03/02/2022"',
        }
    ]
    told = [
        w["message"] for w in late.json()["predictions"][0]["warnings"] if w["feature"] == "joined"
    ]
    assert len(told) == 1
    assert told[0].startswith("above the training range 2021-01-")
