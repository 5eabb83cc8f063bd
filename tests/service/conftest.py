"""A real app over the shipped digits model, and copies of it to damage."""

import json
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from fastapi import FastAPI

from service.app import create_app
from service.model_repository.layout import PublishedVersion, read_version
from service.settings import Settings

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "models"
# Versions of earlier releases, by the schema of their manifests.
PUBLISHED = Path(__file__).parent / "model_repository/published"

Edit = Callable[[dict[str, Any]], None]
OpenClient = Callable[[Settings], Any]


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A model repository of one's own with version 1 of digits."""
    shutil.copytree(MODELS / "digits/1", tmp_path / "models/digits/1")
    return tmp_path / "models"


@pytest.fixture(scope="session")
def penguins() -> PublishedVersion:
    """The files of the shipped penguins model: numbers and text, with gaps."""
    return read_version(MODELS / "penguins/1", root=MODELS, name="penguins", number=1)


@pytest.fixture(scope="session")
def penguins_of_schema_3() -> PublishedVersion:
    """The penguins model as a release that wrote schema 3 published it."""
    root = PUBLISHED / "3"
    return read_version(root / "penguins/1", root=root, name="penguins", number=1)


@pytest.fixture(scope="session")
def digits() -> PublishedVersion:
    """The files of the shipped digits model."""
    return read_version(MODELS / "digits/1", root=MODELS, name="digits", number=1)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """A client of the app over the shipped models, with small limits."""
    async with running(Settings(models=MODELS, row_limit=200, body_limit_bytes=100_000)) as client:
        yield client


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The real app with its models loaded, and a client that talks to it without a socket."""
    app = create_app(settings)
    framework = app.app
    assert isinstance(framework, FastAPI)
    async with framework.router.lifespan_context(framework):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            for _ in range(1000):
                if "loading" not in (await client.get("/v2/health/ready")).text:
                    break
                await anyio.sleep(0.01)
            yield client


def edit_manifest(folder: Path, edit: Edit) -> None:
    """Change manifest.json in place."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    edit(manifest)
    path.write_text(json.dumps(manifest))
