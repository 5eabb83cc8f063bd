"""Bodies that are packed by gzip (RFC 1952), unpacked piece by piece."""

import zlib
from collections.abc import Iterator

from service.errors import MalformedBody

# What is made at a time takes the event loop about a millisecond.
PART_BYTES = 256 * 1024
# Each of a body's members costs the making of an unpacker; bgzip makes one of 64 KiB.
_MOST_MEMBERS = 1000
_WITH_GZIP_HEAD = zlib.MAX_WBITS | 16


def is_gzip(coding: bytes | None) -> bool:
    """Whether a Content-Encoding says that a body is packed by gzip, and by nothing else."""
    return coding is not None and coding.strip().lower() in (b"gzip", b"x-gzip")


class Unpacking:
    """One body on its way in."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_WITH_GZIP_HEAD)
        self._members = 1
        self._begun = False

    def parts(self, piece: bytes) -> Iterator[bytes]:
        """What this piece unpacks to, at most PART_BYTES at a time. Raises MalformedBody."""
        while piece:
            if self._member.eof:
                self._next_member()
            self._begun = True
            try:
                part = self._member.decompress(piece, PART_BYTES)
            except zlib.error as exc:
                raise MalformedBody("expected a body packed by gzip, got another one") from exc
            piece = self._member.unconsumed_tail or self._member.unused_data
            yield part

    def check_whole(self) -> None:
        """Raise MalformedBody unless the body has come to its end."""
        if not self._begun:
            raise MalformedBody("expected a body packed by gzip, got nothing")
        if not self._member.eof:
            raise MalformedBody("expected the whole of a body packed by gzip, got a part of it")

    def _next_member(self) -> None:
        self._members += 1
        if self._members > _MOST_MEMBERS:
            raise MalformedBody(f"expected at most {_MOST_MEMBERS} gzip members, got more")
        self._member = zlib.decompressobj(_WITH_GZIP_HEAD)
