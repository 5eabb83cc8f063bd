"""What an application developer is told who asks for the wrong thing, or in the wrong way."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from service.settings import Settings
from tests.service.conftest import MODELS, running

pytestmark = pytest.mark.anyio

PREDICT = "/v1/models/penguins:predict"


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """One event loop for all requests of this module."""
    return "asyncio"


@pytest.fixture(scope="module")
async def client(anyio_backend: str) -> AsyncIterator[httpx.AsyncClient]:  # noqa: ARG001 - its scope
    """A client of the app over the shipped models."""
    async with running(Settings(models=MODELS)) as client:
        yield client


async def _told(client: httpx.AsyncClient, body: str, path: str = PREDICT) -> dict[str, Any]:
    answer = await client.post(path, content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)
    told: dict[str, Any] = answer.json()
    return told


def _messages(told: dict[str, Any]) -> list[str]:
    return [error["message"] for error in told.get("errors", [])]


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        (
            "/v1/models/pinguins",
            (
                "there is no model 'pinguins' here; there are: digits, fashion-128, penguins"
                '; did you mean "penguins"?'
            ),
        ),
        (
            "/v1/models/letters:predict",
            "there is no model 'letters' here; there are: digits, fashion-128, penguins",
        ),
        (
            "/v1/models/digits/versions/7:predict",
            "'digits' has no version 7; there are: 1",
        ),
        (
            "/v1/models/digits/versions/latest:predict",
            (
                "expected a version number, got 'latest' for 'digits'; a path without "
                "/versions/latest takes the newest that is ready"
            ),
        ),
        (
            "/v1/activations/rellu",
            (
                "there is no activation function 'rellu'; there are: relu, leaky_relu, relu6, "
                "prelu, elu, celu, selu, gelu, gelu_tanh, silu and 12 more"
                '; did you mean "relu"?'
            ),
        ),
    ],
    ids=lambda value: value if value.startswith("/") else "",
)
async def test_name_that_is_not_there_is_told_with_those_that_are(
    client: httpx.AsyncClient, path: str, sentence: str
) -> None:
    answer = await client.request("POST" if ":" in path else "GET", path, json={})

    assert answer.status_code == 404
    assert answer.json()["detail"] == sentence


async def test_form_is_told_the_content_type_and_the_flag_of_curl(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.post(PREDICT, data={"instances": "1"})

    assert answer.status_code == 415
    assert answer.json()["detail"] == (
        "expected the content type application/json, got application/x-www-form-urlencoded; with "
        "curl: -H 'content-type: application/json'"
    )
