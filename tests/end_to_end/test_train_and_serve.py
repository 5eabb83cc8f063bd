"""From a table to an answer over HTTP, through the same commands that a user types."""

import csv
import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from sklearn.datasets import load_iris

from tests.end_to_end.conftest import Serve
from tests.service_process import ROOT
from training.split import stratified_split
from training.tables.datasets import load_dataset

Train = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def rows() -> list[list[float]]:
    return [list(map(float, row)) for row in load_iris().data]


def test_trained_model_is_served_with_labels_of_text(
    train: Train, serve: Serve, tmp_path: Path, rows: list[list[float]]
) -> None:
    done = train("fit", "--dataset", "iris", "--models", tmp_path, "--epochs", "60")
    client = serve(tmp_path)

    answer = client.post("/v1/models/iris:predict", json={"instances": rows[::50]}).json()

    assert done.returncode == 0
    assert answer["labels"] == ["setosa", "versicolor", "virginica"]
    assert [p["label"] for p in answer["predictions"]] == answer["labels"]


def test_service_and_command_line_predict_the_same(
    train: Train, serve: Serve, tmp_path: Path
) -> None:
    digits = load_dataset("digits")
    table, out = tmp_path / "rows.csv", tmp_path / "out.csv"
    with table.open("w", newline="") as file:
        names = [column.name for column in digits.columns]
        csv.writer(file).writerows([names, *digits.features.numeric[:200].tolist()])

    done = train("predict", "models/digits/1", "--data", table, "--out", out)
    answer = serve(ROOT / "models").post(
        "/v1/models/digits/versions/1:predict",
        json={"instances": digits.features.numeric[:200].tolist()},
    )

    assert done.returncode == 0
    with out.open() as file:
        written = list(csv.DictReader(file))
    served = answer.json()["predictions"]
    assert [row["label"] for row in written] == [str(p["label"]) for p in served]
    for row, prediction in zip(written, served, strict=True):
        listed = [float(row[f"probability_{label}"]) for label in range(10)]
        np.testing.assert_allclose(listed, prediction["probabilities"], atol=1e-6)


def test_next_version_is_served_after_a_restart(
    train: Train, serve: Serve, tmp_path: Path, rows: list[list[float]]
) -> None:
    body = {"instances": rows[:1]}
    versions = []
    for _ in range(2):
        train("fit", "--dataset", "iris", "--models", tmp_path, "--epochs", "5")
        answer = serve(tmp_path).post("/v1/models/iris:predict", json=body).json()
        versions.append(answer["model_version"])

    assert versions == ["1", "2"]


def test_version_with_one_changed_weight_is_not_served(serve: Serve, tmp_path: Path) -> None:
    digits = tmp_path / "digits"
    shutil.copytree(ROOT / "models/digits/1", digits / "1")
    shutil.copytree(ROOT / "models/digits/1", digits / "2")
    _change_one_weight(digits / "2")

    client = serve(tmp_path)

    states = client.get("/v1/models/digits").json()["model_version_status"]
    assert [(s["version"], s["state"]) for s in states] == [("2", "END"), ("1", "AVAILABLE")]
    assert "golden rows came out differently" in states[0]["status"]["error_message"]
    answer = client.post("/v1/models/digits:predict", json={"instances": [[0.0] * 64]})
    assert answer.json()["model_version"] == "1"
    assert client.post("/v1/models/digits/versions/2:predict", json={}).status_code == 503


def _change_one_weight(folder: Path) -> None:
    """Add 0.05 to one weight, and make the checksum fit again."""
    model = onnx.load(folder / "model.onnx")
    tensor = next(t for t in model.graph.initializer if t.name == "weight_1")
    values = numpy_helper.to_array(tensor).copy()
    values[3, 20] += 0.05
    tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    artifact = model.SerializeToString()
    (folder / "model.onnx").write_bytes(artifact)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["artifact"]["sha256"] = hashlib.sha256(artifact).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_shipped_digits_model_reaches_its_accuracy_through_the_service(serve: Serve) -> None:
    manifest = json.loads((ROOT / "models/digits/1/manifest.json").read_text())
    digits = load_dataset("digits")
    settings = manifest["settings"]
    split = stratified_split(
        digits.class_index,
        digits.labels,
        validation_fraction=settings["validation_fraction"],
        test_fraction=settings["test_fraction"],
        seed=settings["seed"],
    )

    answer = serve(ROOT / "models").post(
        "/v1/models/digits/versions/1:predict",
        json={"instances": digits.features.numeric[split.test].tolist()},
    )

    predicted = np.array([p["label"] for p in answer.json()["predictions"]])
    accuracy = (predicted == digits.class_index[split.test]).mean()
    assert accuracy >= 0.975
    assert accuracy == manifest["scores"]["test"]["accuracy"]
    assert digits.fingerprint == manifest["table"]["fingerprint"]


def test_readmes_training_command_reaches_the_shipped_accuracy(
    train: Train, tmp_path: Path
) -> None:
    done = train("fit", "--models", tmp_path)

    assert done.returncode == 0, done.stderr
    manifest = json.loads((tmp_path / "digits/1/manifest.json").read_text())
    assert manifest["scores"]["test"]["accuracy"] >= 0.975


def test_mistake_shows_no_traceback(train: Train, tmp_path: Path) -> None:
    done = train("fit", "--data", tmp_path / "no.csv", "--target", "y", "--models", tmp_path)

    assert done.returncode == 2
    assert done.stderr.startswith("mlpserve: ")
    assert "Traceback" not in done.stderr
