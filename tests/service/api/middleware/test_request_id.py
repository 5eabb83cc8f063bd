"""Every answer carries an id."""

import re

import httpx
import pytest

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("path", ["/v2/health/live", "/nothing", "/v1/models", "/docs"])
async def test_every_answer_has_an_id_of_its_own(client: httpx.AsyncClient, path: str) -> None:
    first, second = await client.get(path), await client.get(path)

    assert re.fullmatch("[0-9a-f]{32}", first.headers["x-request-id"])
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


async def test_callers_id_is_kept(client: httpx.AsyncClient) -> None:
    answer = await client.get("/nothing", headers={"x-request-id": "abc-1.2:3/x=_"})

    assert answer.headers["x-request-id"] == answer.json()["request_id"] == "abc-1.2:3/x=_"


@pytest.mark.parametrize("sent", ["", "a b", "<script>", "x" * 129, "a;b", '"'], ids=repr)
async def test_id_that_is_not_sane_is_replaced(client: httpx.AsyncClient, sent: str) -> None:
    answer = await client.get("/v2/health/live", headers={"x-request-id": sent})

    assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])
