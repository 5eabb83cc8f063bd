"""The bytes of request bodies that a worker holds at a time, and the bound on them.

A body counts from its first incomplete piece until it is decoded. Short ones do not count, as the
heads of requests do not: a client pays for its own connection, and costs others nothing.
"""

import asyncio

from starlette.types import Receive

from service.api.calls import Headers, is_length
from service.api.gzipped import Unpacking, is_gzip
from service.errors import BodyTooLarge, TooManyBodies

# As much of a body comes with its head, or soon after.
SHORT_BYTES = 64 * 1024


class BodiesInFlight:
    """All bodies of one worker. Used from one event loop."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.held_bytes = 0


class HeldBody:
    """What one request, or one connection at a time, holds of them."""

    def __init__(self, bodies: BodiesInFlight) -> None:
        self._bodies = bodies
        self._size = 0

    def grow_to(self, size: int) -> None:
        """Hold so many bytes of a body. Raises TooManyBodies, unless it is the only one."""
        if size <= SHORT_BYTES:
            return
        bodies = self._bodies
        others = bodies.held_bytes - self._size
        if others and others + size > bodies.limit_bytes:
            raise TooManyBodies(
                f"the bodies of other requests take {others} bytes: expected at most "
                f"{bodies.limit_bytes} with the {size} of this one"
            )
        bodies.held_bytes = others + size
        self._size = size

    def release(self) -> None:
        """Hold nothing any more."""
        self._bodies.held_bytes -= self._size
        self._size = 0


async def read_body(
    headers: Headers, receive: Receive, *, limit: int, bodies: BodiesInFlight
) -> bytes | None:
    """The whole body, unpacked, or None if the client has left.

    Raises BodyTooLarge, also for more than `limit` once it is unpacked, TooManyBodies, and
    MalformedBody for what cannot be unpacked.
    """
    declared = headers.get(b"content-length", b"")
    too_large = BodyTooLarge(f"expected a body of at most {limit} bytes, got more")
    if declared.isdigit() and (not is_length(declared) or int(declared) > limit):
        raise too_large
    unpacking = Unpacking() if is_gzip(headers.get(b"content-encoding")) else None
    pieces: list[bytes] = []
    received = unpacked = 0
    held = HeldBody(bodies)
    try:
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            piece = message.get("body", b"")
            received += len(piece)
            if received > limit:
                raise too_large
            if unpacking is None:
                pieces.append(piece)
            else:
                for part in unpacking.parts(piece):
                    unpacked += len(part)
                    if unpacked > limit:
                        raise too_large
                    pieces.append(part)
                    held.grow_to(unpacked)
                    # Others are answered meanwhile.
                    await asyncio.sleep(0)
            if not message.get("more_body", False):
                if unpacking is not None:
                    unpacking.check_whole()
                return pieces[0] if len(pieces) == 1 else b"".join(pieces)
            held.grow_to(max(received, unpacked))
    finally:
        held.release()
