"""Bodies that are packed by gzip: answered as plain ones are, within the same limits."""

import gzip
import json
import zlib
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Receive

from service.api.gzipped import PART_BYTES, Unpacking
from service.api.in_flight import BodiesInFlight, read_body
from service.errors import MalformedBody, TooManyBodies

pytestmark = pytest.mark.anyio

PREDICT = "/v1/models/digits:predict"
BODY = json.dumps({"instances": [[1.0] * 64]}).encode()
GZIP = {"Content-Encoding": "gzip", "Content-Type": "application/json"}


async def _post(client: httpx.AsyncClient, content: bytes, **headers: str) -> httpx.Response:
    return await client.post(PREDICT, content=content, headers={**GZIP, **headers})


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "GZIP"])
async def test_packed_body_is_answered_as_the_plain_one(
    client: httpx.AsyncClient, coding: str
) -> None:
    plain = await client.post(PREDICT, content=BODY)
    packed = await _post(client, gzip.compress(BODY), **{"Content-Encoding": coding})

    assert packed.status_code == 200
    assert packed.json() == plain.json()


@pytest.mark.parametrize(
    "packed",
    [
        gzip.compress(b" " * 100_001),
        gzip.compress(b"[") + gzip.compress(b" " * 10**7),
    ],
    ids=["one byte over", "ten megabytes behind another member"],
)
async def test_body_that_unpacks_to_more_than_the_limit_is_too_large(
    client: httpx.AsyncClient, packed: bytes
) -> None:
    answer = await _post(client, packed)

    assert answer.status_code == 413
    assert answer.json()["detail"] == "expected a body of at most 100000 bytes, got more"
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        (b"", "expected a body packed by gzip, got nothing"),
        (BODY, "expected a body packed by gzip, got another one"),
        (zlib.compress(BODY), "expected a body packed by gzip, got another one"),
        (gzip.compress(BODY) + b"more", "expected a body packed by gzip, got another one"),
        (gzip.compress(BODY)[:-1], "expected the whole of a body packed by gzip, got a part of it"),
        (gzip.compress(b"") * 1001, "expected at most 1000 gzip members, got more"),
    ],
    ids=["empty", "plain", "zlib", "something behind it", "cut off", "a thousand members"],
)
async def test_what_cannot_be_unpacked_is_malformed(
    client: httpx.AsyncClient, content: bytes, detail: str
) -> None:
    answer = await _post(client, content)

    assert answer.status_code == 400
    assert answer.json()["detail"] == detail


@pytest.mark.parametrize("coding", ["br", "gzip, gzip", "deflate"])
async def test_other_codings_are_told_the_one_that_is_taken(
    client: httpx.AsyncClient, coding: str
) -> None:
    answer = await _post(client, gzip.compress(BODY), **{"Content-Encoding": coding})

    assert answer.status_code == 415
    assert answer.json()["detail"].endswith(f"or one packed by gzip, got one encoded as {coding}")
    assert answer.headers["accept-encoding"] == "gzip"


@given(members=st.lists(st.binary(max_size=300), min_size=1, max_size=4), size=st.integers(1, 50))
def test_pieces_of_any_size_unpack_to_what_was_packed(members: list[bytes], size: int) -> None:
    packed = b"".join(map(gzip.compress, members))
    unpacking = Unpacking()

    pieces = [packed[at : at + size] for at in range(0, len(packed), size)]
    parts = [part for piece in pieces for part in unpacking.parts(piece)]

    unpacking.check_whole()
    assert b"".join(parts) == b"".join(members)


def test_a_bomb_is_made_a_part_at_a_time() -> None:
    parts: Any = Unpacking().parts(gzip.compress(b"\0" * 10**8))

    assert [len(next(parts)) for _ in range(3)] == [PART_BYTES] * 3


async def test_a_packed_body_holds_what_it_unpacks_to() -> None:
    bodies, packed = BodiesInFlight(3_000_000), gzip.compress(b" " * 2_000_000)
    waiting = [{"type": "http.request", "body": packed[:-1], "more_body": True}]
    left = anyio.Event()

    async def receive() -> dict[str, Any]:
        if not waiting:
            await left.wait()
            return {"type": "http.disconnect"}
        return waiting.pop()

    async def rest() -> dict[str, Any]:
        return {"type": "http.request", "body": packed, "more_body": False}

    async with anyio.create_task_group() as group:
        group.start_soon(_read, receive, bodies)
        with anyio.fail_after(10):
            while bodies.held_bytes < 2_000_000:
                await anyio.lowlevel.checkpoint()
        with pytest.raises(TooManyBodies):
            await _read(rest, bodies)
        left.set()

    assert bodies.held_bytes == 0
    assert await _read(rest, bodies) == b" " * 2_000_000


async def _read(receive: Receive, bodies: BodiesInFlight) -> bytes | None:
    headers = {b"content-encoding": b"gzip"}
    return await read_body(headers, receive, limit=2_000_000, bodies=bodies)


@given(content=st.binary(max_size=200))
def test_any_bytes_are_unpacked_or_malformed(content: bytes) -> None:
    unpacking = Unpacking()
    try:
        unpacked = b"".join(unpacking.parts(content))
        unpacking.check_whole()
    except MalformedBody:
        return

    assert unpacked == gzip.decompress(content)
