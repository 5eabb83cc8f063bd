"""Kinds of requests that a connection may meet, and the answer that each must get."""

import gzip
import json
from collections.abc import Mapping
from typing import NamedTuple

BODY_LIMIT, HEAD_LIMIT = 128 * 1024, 4 * 1024
# What uvloop reads at once. A head is counted only from the read after a body's end.
_READ_BYTES = 256 * 1024

_PREDICT, _LIVE = "/v1/models/digits:predict", "/v2/health/live"
_ROW = json.dumps({"instances": [[1] * 64]}).encode()
_ROWS = json.dumps({"instances": [[1] * 64] * 50}).encode()
_POINTS = b'{"x": [0.5]}'
# Longer than what is decoded at once.
_LONG = _ROW + b" " * (70 * 1024)
_TOO_LONG = b" " * (BODY_LIMIT + 1)
_CHUNKED = "Transfer-Encoding: chunked"
_GZIP = "Content-Encoding: gzip"
_PACKED = gzip.compress(_ROW, mtime=0)
_UPGRADE = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk")
_WEBSOCKET = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13")
_GO_AHEAD = "Expect: 100-continue"
_SMUGGLED = (
    b"POST /v1/activations/tanh:evaluate HTTP/1.1\r\nHost: x\r\nX-Request-Id: smuggled\r\n"
    b"Content-Length: 12\r\n\r\n" + _POINTS
)


class Kind(NamedTuple):
    """What is sent, and what comes of it."""

    status: int
    method: str = "POST"
    target: str = _PREDICT
    body: bytes = b""
    headers: tuple[str, ...] = ()
    version: str = "1.1"
    trailers: bytes = b""
    # The connection ends with the answer.
    closes: bool = False
    # The answer has the id that was sent.
    keeps_id: bool = True


class Request(NamedTuple):
    """A request as it is sent; `head_bytes` of it are before its body."""

    kind: str
    request_id: str
    content: bytes
    head_bytes: int

    def __repr__(self) -> str:
        return f"{self.kind} ({self.request_id})"

    @property
    def expected(self) -> Kind:
        return KINDS[self.kind]

    @property
    def asks_to_close(self) -> bool:
        return self.expected.closes and self.expected.status < 400

    @property
    def asks_for_go_ahead(self) -> bool:
        return _GO_AHEAD in self.expected.headers


# Those that end a connection come last, so that a search for a smaller example leaves them out.
KINDS: Mapping[str, Kind] = {
    "framework": Kind(200, "GET", _LIVE),
    "direct": Kind(200, body=_ROW),
    "thread": Kind(200, target="/v1/models/digits:activations", body=_ROWS),
    "evaluate": Kind(200, target="/v1/activations/tanh:evaluate", body=_POINTS),
    "long": Kind(200, body=_LONG),
    "query": Kind(200, target=_PREDICT + "?x", body=_ROW),
    "chunked": Kind(200, body=_ROW, headers=(_CHUNKED,)),
    "long and chunked": Kind(200, body=_LONG, headers=(_CHUNKED,)),
    "thread and chunked": Kind(
        200, target="/v1/models/digits:activations", body=_ROWS, headers=(_CHUNKED,)
    ),
    "trailers": Kind(
        200,
        body=_ROW,
        headers=(_CHUNKED,),
        trailers=b"X-Request-Id: forged\r\nContent-Type: text/csv\r\n",
    ),
    "models": Kind(200, "GET", "/v1/models"),
    "GET with a body": Kind(200, "GET", _LIVE, body=_SMUGGLED),
    "wrong method": Kind(405, "GET"),
    "wrong method with a body": Kind(405, "PUT", body=_SMUGGLED),
    "HEAD": Kind(200, "HEAD", _LIVE),
    "HEAD of a direct path": Kind(405, "HEAD"),
    "nowhere": Kind(404, "GET", "/nowhere"),
    "nowhere with a body": Kind(404, "POST", "/nowhere", body=_SMUGGLED),
    "no such model": Kind(404, target="/v1/models/none:predict", body=_ROW),
    "not JSON": Kind(400, body=b'{"instances": [[1'),
    "no body": Kind(400),
    "surrogate": Kind(400, body=rb'{"x": 1e400, "\ud800": 1}'),
    "a row too short": Kind(422, body=b'{"instances": [[1]]}'),
    "media type": Kind(415, body=_ROW, headers=("Content-Type: text/csv",)),
    "packed": Kind(200, body=_PACKED, headers=(_GZIP,)),
    "packed in chunks": Kind(200, body=_PACKED, headers=(_GZIP, _CHUNKED)),
    "long and packed": Kind(200, body=gzip.compress(_LONG, mtime=0), headers=(_GZIP,)),
    "not packed": Kind(400, body=_ROW, headers=(_GZIP,)),
    "long and not packed": Kind(400, body=_LONG, headers=(_GZIP,)),
    "packed in part": Kind(400, body=_PACKED[:-1], headers=(_GZIP,)),
    "another coding": Kind(415, body=_PACKED, headers=("Content-Encoding: br",)),
    "go-ahead": Kind(200, body=_ROW, headers=(_GO_AHEAD,)),
    "go-ahead for chunks": Kind(200, body=_ROW, headers=(_GO_AHEAD, _CHUNKED)),
    "go-ahead for no JSON": Kind(400, body=b"[", headers=(_GO_AHEAD,)),
    "upgrade": Kind(200, "GET", _LIVE, headers=_UPGRADE),
    "websocket": Kind(200, "GET", _LIVE, headers=_WEBSOCKET),
    "upgrade with a body": Kind(200, body=_ROW, headers=_UPGRADE),
    "upgrade with chunks": Kind(200, body=_ROW, headers=(*_UPGRADE, _CHUNKED)),
    "upgrade with a request in it": Kind(400, body=_SMUGGLED, headers=_UPGRADE),
    "close": Kind(200, body=_ROW, headers=("Connection: close",), closes=True),
    "close after the framework": Kind(
        200, "GET", _LIVE, headers=("Connection: close",), closes=True
    ),
    "HTTP/1.0": Kind(200, body=_ROW, version="1.0", closes=True),
    "too large": Kind(413, body=_TOO_LONG, closes=True),
    "too large in chunks": Kind(413, body=_TOO_LONG, headers=(_CHUNKED,), closes=True),
    "packed and too large": Kind(
        413, body=gzip.compress(_TOO_LONG, mtime=0), headers=(_GZIP,), closes=True
    ),
    "head too large": Kind(
        431,
        "GET",
        _LIVE,
        headers=("A: " + "a" * 2 * (_READ_BYTES + HEAD_LIMIT),),
        closes=True,
        keeps_id=False,
    ),
    "two framings": Kind(
        400,
        body=_ROW,
        headers=(_CHUNKED, f"Content-Length: {len(_ROW)}"),
        closes=True,
        keeps_id=False,
    ),
    "other coding": Kind(
        501, body=_ROW, headers=("Transfer-Encoding: gzip, chunked",), closes=True
    ),
    "CONNECT": Kind(501, "CONNECT", "x:443", closes=True),
    "nonsense": Kind(400, "NONSENSE", "\\", version="7", closes=True, keeps_id=False),
}


def make_request(kind: str, request_id: str) -> Request:
    """A request of that kind with that X-Request-Id."""
    asked = KINDS[kind]
    lines = [f"{asked.method} {asked.target} HTTP/{asked.version}", "Host: x", *asked.headers]
    lines.append(f"X-Request-Id: {request_id}")
    in_chunks = any(header.endswith("chunked") for header in asked.headers)
    if asked.body and not in_chunks:
        lines.append(f"Content-Length: {len(asked.body)}")
    elif asked.method == "POST" and not in_chunks:
        lines.append("Content-Length: 0")
    head = "\r\n".join([*lines, "", ""]).encode()
    body = _in_chunks(asked.body, asked.trailers) if in_chunks else asked.body
    return Request(kind, request_id, head + body, len(head))


def _in_chunks(body: bytes, trailers: bytes) -> bytes:
    half = len(body) // 2
    pieces = (body[:half], body[half:])
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return b"%b0\r\n%b\r\n" % (chunks, trailers)
