"""HEAD is GET without a body, on every path that has GET."""

import httpx
import pytest

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "path",
    [
        "/v2/health/live",
        "/v2/health/ready",
        "/v1/models",
        "/v1/models/digits",
        "/v1/models/letters",
        "/v1/activations/tanh/curve",
        "/docs",
        "/docs/assets/swagger-ui.css",
        "/",
    ],
)
async def test_head_is_that_of_get(client: httpx.AsyncClient, path: str) -> None:
    whole, head = await client.get(path), await client.head(path)

    assert head.status_code == whole.status_code
    assert head.content == b""
    for name in ("content-type", "content-length", "location"):
        if path != "/v1/models/letters" or name != "content-length":
            assert head.headers.get(name) == whole.headers.get(name)


async def test_other_methods_are_told_of_both(client: httpx.AsyncClient) -> None:
    answer = await client.put("/v1/models")

    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"
    assert answer.json()["detail"] == "expected GET or HEAD, got PUT"
