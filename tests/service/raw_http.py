"""Requests byte for byte, over a connection that says exactly what it is told to."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

from tests.service_process import PATIENCE_S, Service

PATH = "/v1/models/digits:predict"
BODY = json.dumps({"instances": [[1.0] * 64]}).encode()


@dataclass
class Connection:
    """A connection that says exactly what it is told to."""

    raw: socket.socket
    _rest: bytes = field(default=b"", init=False)

    def send(self, *pieces: bytes) -> None:
        for number, piece in enumerate(pieces):
            if number:
                time.sleep(0.02)
            self.raw.sendall(piece)

    def receive(self, *, bodyless: bool = False) -> tuple[int, dict[str, str], bytes]:
        """Status, headers by lower-case name, and body of the next answer."""
        while b"\r\n\r\n" not in self._rest:
            self._more()
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        length = 0 if bodyless else int(headers.get("content-length", 0))
        while len(self._rest) < length:
            self._more()
        body, self._rest = self._rest[:length], self._rest[length:]
        return int(first.split()[1]), headers, body

    def ended(self) -> bool:
        """Whether the other side has closed, with nothing more to say."""
        return not self._rest and self.raw.recv(1) == b""

    def _more(self) -> None:
        piece = self.raw.recv(65536)
        assert piece, f"the connection ended after {self._rest!r}"
        self._rest += piece


@contextmanager
def connected(service: Service) -> Iterator[Connection]:
    """A connection of one's own, closed at the end of the block."""
    host, _, port = service.url.removeprefix("http://").partition(":")
    with closing(socket.create_connection((host, int(port)), timeout=PATIENCE_S)) as raw:
        yield Connection(raw)


def request_of(
    body: bytes = BODY,
    path: str = PATH,
    *headers: str,
    method: str = "POST",
    version: str = "1.1",
) -> bytes:
    """A request with its length, unless a header says that it is chunked."""
    lines = [f"{method} {path} HTTP/{version}", "Host: x", *headers]
    if not any(header.lower().startswith("transfer-encoding") for header in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def in_chunks(body: bytes) -> bytes:
    """The body in two chunks."""
    half = len(body) // 2
    parts = (body[:half], body[half:], b"")
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
