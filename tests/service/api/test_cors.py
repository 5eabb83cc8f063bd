"""Pages of other origins: nothing without the setting, and with it every path alike."""

from collections.abc import AsyncIterator

import httpx
import pytest

from service.settings import Settings
from tests.service.conftest import MODELS, running

pytestmark = pytest.mark.anyio

ORIGIN = {"Origin": "https://app.example"}
PREDICT = "/v1/models/digits:predict"
BODY = {"instances": [[0] * 64]}
PREFLIGHT = {
    **ORIGIN,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "content-type",
}


@pytest.fixture
async def open_client() -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(models=MODELS, cors_origin=("https://app.example",), body_limit_bytes=2048)
    async with running(settings) as client:
        yield client


async def test_nothing_is_said_to_other_origins_without_the_setting(
    client: httpx.AsyncClient,
) -> None:
    preflight = await client.options(PREDICT, headers=PREFLIGHT)
    answers = [
        preflight,
        await client.get("/v1/models", headers=ORIGIN),
        await client.post(PREDICT, headers=ORIGIN, json=BODY),
    ]

    assert preflight.status_code == 405
    assert not any("access-control" in name for answer in answers for name in answer.headers)


@pytest.mark.parametrize("path", [PREDICT, "/v1/models", "/v1/activations/tanh:evaluate"])
async def test_preflight_of_every_path_is_answered(
    open_client: httpx.AsyncClient, path: str
) -> None:
    answer = await open_client.options(path, headers=PREFLIGHT)

    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-headers"] == "content-type"
    assert answer.headers["x-request-id"]


async def test_every_answer_may_be_read_by_pages_of_the_origin(
    open_client: httpx.AsyncClient,
) -> None:
    answers = {
        "listed": await open_client.get("/v1/models", headers=ORIGIN),
        "missing": await open_client.get("/v1/nothing", headers=ORIGIN),
        "predicted": await open_client.post(PREDICT, headers=ORIGIN, json=BODY),
        "refused": await open_client.post(PREDICT, headers=ORIGIN, json={"instances": [[1]]}),
        "too large": await open_client.post(PREDICT, headers=ORIGIN, content=b" " * 3000),
        "wrong method": await open_client.put(PREDICT, headers=ORIGIN),
    }

    assert [answer.status_code for answer in answers.values()] == [200, 404, 200, 422, 413, 405]
    for name, answer in answers.items():
        assert answer.headers["access-control-allow-origin"] == "https://app.example", name
        assert answer.headers.get_list("x-request-id") != [], name
        assert "X-Request-Id" in answer.headers["access-control-expose-headers"], name


async def test_other_origins_and_programs_get_no_leave(open_client: httpx.AsyncClient) -> None:
    other = {**PREFLIGHT, "Origin": "https://other.example"}
    refused = await open_client.options(PREDICT, headers=other)
    asked = await open_client.post(PREDICT, headers=other, json=BODY)
    program = await open_client.post(PREDICT, json=BODY)

    assert refused.status_code == 400
    assert asked.status_code == program.status_code == 200
    for answer in (refused, asked, program):
        assert "access-control-allow-origin" not in answer.headers


async def test_any_origin_may_be_let_in() -> None:
    async with running(Settings(models=MODELS, cors_origin=("*",))) as client:
        answer = await client.post(PREDICT, headers=ORIGIN, json=BODY)

    assert answer.headers["access-control-allow-origin"] == "*"
