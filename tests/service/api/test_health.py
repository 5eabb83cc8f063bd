"""/v2/health, and errors under /v2."""

import httpx
import pytest

from service.app import create_app
from service.settings import Settings
from tests.service.conftest import MODELS

pytestmark = pytest.mark.anyio


async def test_live_and_ready_say_so(client: httpx.AsyncClient) -> None:
    live, ready = await client.get("/v2/health/live"), await client.get("/v2/health/ready")

    assert (live.status_code, live.json()) == (200, {"live": True})
    assert (ready.status_code, ready.json()) == (200, {"ready": True})


async def test_before_the_models_are_loaded_it_is_live_and_not_ready() -> None:
    transport = httpx.ASGITransport(create_app(Settings(models=MODELS)))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        live, ready = await client.get("/v2/health/live"), await client.get("/v2/health/ready")
        predict = await client.post("/v1/models/digits:predict", json={"instances": []})

    assert live.status_code == 200
    assert ready.status_code == predict.status_code == 503
    assert ready.headers["retry-after"] == predict.headers["retry-after"]
    assert ready.json()["error"] == "the models are still loading"


@pytest.mark.parametrize("path", ["/v2", "/v2/models/digits", "/v2/health/ready/x"])
async def test_error_under_v2_is_in_that_protocols_form(
    client: httpx.AsyncClient, path: str
) -> None:
    answer = await client.get(path)

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.json()) == ["error"]
