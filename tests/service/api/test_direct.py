"""Bodies beyond the limit, whatever length they were declared to have."""

from collections.abc import AsyncIterator

import httpx
import pytest

pytestmark = pytest.mark.anyio

PREDICT = "/v1/models/digits:predict"


async def _stream(pieces: int) -> AsyncIterator[bytes]:
    for _ in range(pieces):
        yield b" " * 1000


async def test_streamed_body_is_stopped_at_the_limit(client: httpx.AsyncClient) -> None:
    answer = await client.post(PREDICT, content=_stream(101))

    assert answer.status_code == 413
    assert answer.json()["detail"] == "expected a body of at most 100000 bytes, got more"


async def test_streamed_body_within_the_limit_is_read(client: httpx.AsyncClient) -> None:
    answer = await client.post(PREDICT, content=_stream(60))

    assert answer.status_code == 400


async def test_declared_length_beyond_the_limit_is_refused_unread(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.post(PREDICT, content=b"{}", headers={"content-length": "100001"})

    assert answer.status_code == 413
    assert answer.headers["connection"] == "close"
