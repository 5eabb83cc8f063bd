"""Versions that mean harm, each beside a sound model that must serve."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.service import graphs
from tests.service.conftest import Edit
from tests.service_process import Service, started

Spoil = Callable[[Path, str], object]


def _file(file: str, make: Callable[[Path], object]) -> Spoil:
    def spoil(root: Path, name: str) -> None:
        path = graphs.publish(root, name, graphs.artifact()) / file
        path.unlink()
        make(path)

    return spoil


def _graph(content: Callable[[], bytes]) -> Spoil:
    return lambda root, name: graphs.publish(root, name, content())


def _manifest(edit: Edit) -> Spoil:
    return lambda root, name: graphs.publish(root, name, graphs.artifact(), edit=edit)


def _hole(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**40)


def _loop_in_place_of_the_model(root: Path, name: str) -> None:
    (root / name).symlink_to(name)


def _loop_in_place_of_the_version(root: Path, name: str) -> None:
    (root / name).mkdir()
    (root / name / "1").symlink_to("1")


def _renamed(name: str) -> Edit:
    return lambda manifest: manifest.update(name=name)


def _golden(**changed: Any) -> Edit:
    return lambda manifest: manifest["golden"].update(changed)


NO_TOTAL = graphs.node("ReduceSum", "features", "total", keepdims=0)
FILES: dict[str, Callable[[Path], object]] = {
    "loop": lambda path: path.symlink_to(path.name),
    "pipe": os.mkfifo,
    "link-to-zero": lambda path: path.symlink_to("/dev/zero"),
    "link-to-passwords": lambda path: path.symlink_to("/etc/passwd"),
    "link-to-nothing": lambda path: path.symlink_to("nothing"),
    "link-to-its-folder": lambda path: path.symlink_to("."),
    "folder": Path.mkdir,
    "hole": _hole,
    "empty": lambda path: path.write_bytes(b""),
    "zeros": lambda path: path.write_bytes(bytes(1000)),
    "deep": lambda path: path.write_bytes(b'{"a":' * 100_000),
    "lists": lambda path: path.write_bytes(b"[" * 1_000_000),
    "not-utf-8": lambda path: path.write_bytes(b'{"name": "\xff\xfe"}'),
    "missing": lambda _: None,
}
HOSTILE: dict[str, Spoil] = {
    **{f"manifest-{name}": _file("manifest.json", make) for name, make in FILES.items()},
    **{f"artifact-{name}": _file("model.onnx", make) for name, make in FILES.items()},
    "model-loop": _loop_in_place_of_the_model,
    "version-loop": _loop_in_place_of_the_version,
    "endless": _graph(lambda: graphs.endless(from_rows=0)),
    "endless-at-64": _graph(lambda: graphs.endless(from_rows=64)),
    "memory": _graph(lambda: graphs.large(gib=6)),
    "memory-of-a-tebibyte": _graph(lambda: graphs.large(gib=1024)),
    "fails-at-1": _graph(lambda: graphs.failing(at_rows=1)),
    "fails-at-64": _graph(lambda: graphs.failing(at_rows=64)),
    "fewer-at-17": _graph(lambda: graphs.fewer(at_rows=17)),
    "unlike-at-2": _graph(lambda: graphs.unlike(at_rows=2)),
    "scalar": _graph(lambda: graphs.artifact(NO_TOTAL, hidden="total", hidden_shape=None)),
    "cut": _graph(lambda: graphs.artifact()[:-20]),
    "unknown-operator": _graph(lambda: graphs.artifact(graphs.node("Harm", "features", "harm"))),
    "schema": _manifest(lambda m: m.update(schema_version=99)),
    "name-of-lines": _manifest(_renamed("x\n2026-01-01 00:00:00,000 INFO service: all is well")),
    "name-of-megabytes": _manifest(_renamed("y" * 2_000_000)),
    "key-of-megabytes": _manifest(lambda m: m.update({"z" * 2_000_000: 1})),
    "checksum": _manifest(lambda m: m["artifact"].update(sha256="0" * 64)),
    "size": _manifest(lambda m: m["artifact"].update(size_bytes=10**30)),
    "large-label": _manifest(lambda m: m.update(labels=[0, 2**70])),
    "no-golden-rows": _manifest(_golden(rows=[], probabilities=[])),
    "other-golden-rows": _manifest(_golden(probabilities=[[1.0, 0.0]] * len(graphs.ROWS))),
    "endless-golden-row": _manifest(_golden(rows=[["x" * 1000, 0.0]] * len(graphs.ROWS))),
}
# Sound files around it: only a wrong size that is never reached.
SERVED = {"size"}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    root = tmp_path_factory.mktemp("models")
    graphs.publish(root, "sound", graphs.artifact())
    for name, make in HOSTILE.items():
        make(root, name)
    with started("--models", root, "--load-limit-s", "2") as service:
        yield service


def _asked(service: Service, name: str) -> httpx.Response:
    body = {"instances": [[0.0, 1.0]]}
    return httpx.post(f"{service.url}/v1/models/{name}:predict", json=body)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_version_has_its_reason_and_the_others_serve(name: str, service: Service) -> None:
    answer = _asked(service, name)

    assert answer.status_code == (200 if name in SERVED else 503)
    if name not in SERVED:
        assert "is ready" in answer.json()["detail"]
        assert len(answer.content) < 2000
        assert "\n" not in answer.json()["detail"]
    assert _asked(service, "sound").status_code == 200
    assert httpx.get(service.url + "/v2/health/live").status_code == 200
