"""A client that a public generator makes of /openapi.json, against a real service."""

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import httpx
import pytest

from tests.service_process import ROOT, Service, started

PACKAGE = "mlpserve_client"


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with started("--models", ROOT / "models") as service:
        yield service


@pytest.fixture(scope="module")
def generated(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What the generator says; the package that it writes can be imported meanwhile."""
    folder = tmp_path_factory.mktemp("client")
    (folder / "config.yml").write_text("post_hooks: []\n")
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none"]
    command += ["--url", f"{service.url}/openapi.json", "--config", str(folder / "config.yml")]
    command += ["--output-path", str(folder / PACKAGE), "--fail-on-warning"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield done.stdout + done.stderr


@pytest.fixture
def client(service: Service, generated: str) -> Iterator[Any]:
    assert "arning" not in generated
    with import_module(PACKAGE).Client(service.url, raise_on_unexpected_status=True) as client:
        yield client


def _call(operation: str, *arguments: str, **keywords: Any) -> Any:
    return import_module(f"{PACKAGE}.api.{operation}").sync(*arguments, **keywords)


def _model(name: str) -> Any:
    return getattr(import_module(f"{PACKAGE}.models"), name)


def test_every_operation_has_a_module_of_its_name(service: Service, generated: str) -> None:
    assert generated
    document = httpx.get(f"{service.url}/openapi.json").json()
    for methods in document["paths"].values():
        for operation in methods.values():
            tag = operation["tags"][0].replace(" ", "_")
            assert import_module(f"{PACKAGE}.api.{tag}.{operation['operationId']}").sync_detailed


def test_generated_client_asks_a_model_with_its_own_example(client: Any) -> None:
    listed = _call("models.list_models", client=client)
    name = listed.models[-1].name
    told = _call("models.get_model", name, client=client)
    body = _model("PredictBody").from_dict({**told.example.to_dict(), "top_k": 1})

    answer = _call("models.predict", name, client=client, body=body)
    versioned = _call("models.predict_with_version", name, "1", client=client, body=body)

    assert name == "penguins"
    assert answer.predictions[0].top[0].label in told.labels
    assert versioned.to_dict() == answer.to_dict()


def test_generated_client_gets_hidden_representations_values_card_and_health(client: Any) -> None:
    told = _call("models.get_model", "digits", client=client)

    hidden = _call("models.hidden_representations", "digits", client=client, body=told.example)
    points = _model("EvaluateBody").from_dict({"x": [-1.0, 0.0, 2.0]})
    function = _model("EvaluateActivationFunctionFunction").RELU
    evaluate = "activation_functions.evaluate_activation_function"
    values = _call(evaluate, function, client=client, body=points)
    card = _call("models.get_card", "digits", client=client)
    published = json.loads((ROOT / "models/digits/1/manifest.json").read_text())

    assert [layer.units for layer in hidden.layers] == [64]
    assert values.y == [0.0, 0.0, 2.0]
    assert card.artifact.sha256 == published["artifact"]["sha256"]
    assert _call("health.health_ready", client=client).ready


def test_generated_client_reads_refusals(client: Any) -> None:
    body = _model("PredictBody").from_dict({"instances": [[1.0]]})

    refused = _call("models.predict", "penguins", client=client, body=body)
    missing = _call("models.predict", "letters", client=client, body=body)

    assert isinstance(refused, _model("InvalidInputAnswer"))
    assert refused.errors[0].row == 0
    assert isinstance(missing, _model("ProblemAnswer"))
    assert missing.status == 404
