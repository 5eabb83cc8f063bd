"""A failure that nobody foresaw."""

import logging

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from service.api.middleware.last_resort import LastResort
from service.api.middleware.request_id import RequestId, RequestIds

pytestmark = pytest.mark.anyio


async def _fail(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise ZeroDivisionError("secret value 42 in /etc/passwd")


async def test_unforeseen_failure_is_logged_whole_and_answered_without_the_inside(
    caplog: pytest.LogCaptureFixture,
) -> None:
    transport = httpx.ASGITransport(RequestId(LastResort(_fail), ids=RequestIds()))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        with caplog.at_level(logging.ERROR):
            answer = await client.get("/v1/models")

    assert answer.status_code == 500
    assert answer.json()["title"] == "Internal Server Error"
    assert "secret" not in answer.text
    assert answer.headers["x-request-id"] in caplog.text
    assert "secret value 42" in caplog.text
