"""The images, built and run for real by a container engine: make test-containers."""

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator

import httpx
import pytest

from service import VERSION
from tests.service_process import ROOT, wait_until_loaded
from training.tables.datasets import load_dataset

pytestmark = pytest.mark.containers

PROJECT = f"mlpserve-test-{os.getpid()}"
IMAGES = {target: f"{PROJECT}-{target}" for target in ("service", "training")}


def _run(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def _require(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def _compose(*arguments: str, port: int = 0) -> subprocess.CompletedProcess[str]:
    return _run("docker", "compose", "-p", PROJECT, *arguments, MLPSERVE_PORT=str(port))


@pytest.fixture(scope="module")
def engine(request: pytest.FixtureRequest) -> None:
    """Skip unless the run asks for containers and an engine answers."""
    if "containers" not in request.config.getoption("-m"):
        pytest.skip("run by make test-containers")
    if shutil.which("docker") is None or _run("docker", "info").returncode != 0:
        pytest.skip("no container engine answers here")


@pytest.fixture(scope="module")
def images(engine: None) -> Iterator[None]:  # noqa: ARG001 - the engine comes first
    """Build both images, named after this run's project; MLPSERVE_WHEELS and EXTRA_INDEX hold."""
    try:
        _require(_compose("build"))
        yield
    finally:
        # Compose's --rmi finds no images once their containers are gone.
        _run("docker", "image", "rm", *IMAGES.values())


@pytest.fixture(scope="module")
def url(images: None) -> Iterator[str]:  # noqa: ARG001 - the images come first
    """Run docker compose up: train into an empty volume, then serve it on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    try:
        _require(_compose("up", "-d", "--wait", "--no-build", port=port))
        yield f"http://127.0.0.1:{port}"
    finally:
        _compose("down", "-v")


def _inside(*command: str) -> subprocess.CompletedProcess[str]:
    return _compose("exec", "-T", "service", *command)


def test_compose_ends_with_a_prediction_over_http(url: str) -> None:
    picture_of_6 = load_dataset("digits").features.numeric[6].tolist()

    answer = httpx.post(f"{url}/v1/models/digits:predict", json={"instances": [picture_of_6]})

    assert answer.status_code == 200, answer.text
    assert answer.json()["predictions"][0]["label"] == 6


def test_second_start_trains_nothing(url: str) -> None:
    logs = _require(_compose("run", "--rm", "--no-deps", "-T", "training"))

    assert logs.strip() == "models are there"
    assert httpx.get(f"{url}/v1/models/digits").json()["ready"]


@pytest.mark.usefixtures("url")
def test_service_runs_without_rights() -> None:
    assert _require(_inside("stat", "-c", "%u", "/proc/1")).strip() == "10001"
    assert "Read-only file system" in _inside("touch", "/app/x").stderr
    assert "Read-only file system" in _inside("touch", "/models/x").stderr


@pytest.mark.usefixtures("url")
def test_service_image_has_neither_pytorch_nor_a_compiler_nor_an_installer() -> None:
    for module in ("torch", "onnx", "polars", "sklearn", "pip", "setuptools"):
        assert "ModuleNotFoundError" in _inside("python", "-c", f"import {module}").stderr
    assert _inside("sh", "-c", "command -v gcc cc").returncode != 0


@pytest.mark.usefixtures("images")
def test_service_image_serves_the_shipped_models_by_itself() -> None:
    run = ["docker", "run", "-d", "--rm", "--read-only", "-p", "127.0.0.1::8000"]
    started = _require(_run(*run, IMAGES["service"])).strip()
    try:
        address = _require(_run("docker", "port", started, "8000")).strip()
        with httpx.Client(base_url=f"http://{address}") as client:
            wait_until_loaded(client)
            answer = client.get("/v1/models/digits/versions/1")
        assert answer.json()["name"] == "digits"
    finally:
        _run("docker", "stop", "-t", "5", started)


@pytest.mark.parametrize("target", IMAGES)
def test_image_is_labelled_with_the_release(images: None, target: str) -> None:  # noqa: ARG001
    labels = _require(
        _run("docker", "image", "inspect", "-f", "{{json .Config.Labels}}", IMAGES[target])
    )

    assert json.loads(labels)["org.opencontainers.image.version"] == VERSION
