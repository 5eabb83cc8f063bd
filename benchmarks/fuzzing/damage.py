"""What goes wrong with a body: in its cells, in its keys, in its bytes."""

from collections.abc import Callable
from random import Random

from benchmarks.fuzzing.tokens import BLANKS, EDGES, NO_JSON, OTHERS, edge_number, escaped

_KEYS = (
    *("instances", "inputs", "x", "parameters", "top_k", "coverage", "coverage_by", "empty_sets"),
    *("uncertainty", "warnings", "other", "a" * 100),
)
_DEPTHS = (10, 500, 980, 1023, 1024, 1025, 3000)
# Damage is seldom alone, but most of a body must be left for it to be looked at.
_CELLS, _PAIRS, _BYTES = 0.6, 0.4, 0.3
_PUNCTUATION = b'{}[],:"\\ \n0e-.'
_BAD_UTF8 = (b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\x00")


def damaged_rows(rng: Random, rows: list[list[str]]) -> None:
    """Change some cells, or a row's width, in place."""
    while rng.random() < _CELLS:
        if not rows:
            return
        row = rng.choice(rows)
        kind = rng.random()
        if kind < 0.1:
            row.append(rng.choice(OTHERS))
        elif not row:
            return
        elif kind < 0.2:
            row.pop(rng.randrange(len(row)))
        elif kind < 0.25:
            row.clear()
        elif kind < 0.3:
            rows.clear()
        else:
            row[rng.randrange(len(row))] = _cell(rng)


def damaged_pairs(rng: Random, pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The members of the object with others, a key twice or in escapes, or none."""
    pairs = list(pairs)
    while rng.random() < _PAIRS:
        kind = rng.random()
        if kind < 0.3 and pairs:
            key, value = rng.choice(pairs)
            pairs.append((key, value if rng.random() < 0.3 else _value(rng)))
        elif kind < 0.4:
            return []
        else:
            name = rng.choice(_KEYS)
            key = escaped(name, rng) if rng.random() < 0.3 else f'"{name}"'
            pairs.insert(rng.randint(0, len(pairs)), (key, _value(rng)))
    return pairs


def damaged_bytes(rng: Random, content: bytes) -> bytes:
    """The body cut, flipped, or with bytes that do not belong there."""
    while rng.random() < _BYTES:
        content = rng.choice(_BYTE_DAMAGE)(rng, content)
    return content


def _cell(rng: Random) -> str:
    kind = rng.random()
    if kind < 0.6:
        return edge_number(rng)
    return rng.choice(OTHERS if kind < 0.85 else NO_JSON)


def _value(rng: Random) -> str:
    kind = rng.random()
    if kind < 0.1:
        depth = rng.choice(_DEPTHS)
        return "[" * depth + rng.choice(EDGES) + "]" * depth
    if kind < 0.4:
        width = rng.choice((1, 2, 7, 64))
        return f"[[{','.join(edge_number(rng) for _ in range(width))}]]"
    return _cell(rng)


def _cut(rng: Random, content: bytes) -> bytes:
    return content[: rng.randint(0, len(content))]


def _flip(rng: Random, content: bytes) -> bytes:
    if not content:
        return content
    flipped = bytearray(content)
    flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
    return bytes(flipped)


def _insert(rng: Random, content: bytes, piece: bytes) -> bytes:
    at = rng.randint(0, len(content))
    return content[:at] + piece + content[at:]


def _with_punctuation(rng: Random, content: bytes) -> bytes:
    return _insert(rng, content, bytes([rng.choice(_PUNCTUATION)]))


def _with_bad_utf8(rng: Random, content: bytes) -> bytes:
    return _insert(rng, content, rng.choice(_BAD_UTF8))


def _with_blanks(rng: Random, content: bytes) -> bytes:
    blank = rng.choice((*BLANKS, "\f", "\v", "\u00a0", "\u2028")).encode()
    return rng.choice((blank + content, content + blank, _insert(rng, content, blank)))


def _with_mark(_rng: Random, content: bytes) -> bytes:
    return b"\xef\xbb\xbf" + content


def _with_more(rng: Random, content: bytes) -> bytes:
    return content + rng.choice((b"{}", b"x", b"\x00", b",", b"]", content))


def _nothing(_rng: Random, _content: bytes) -> bytes:
    return b""


_BYTE_DAMAGE: tuple[Callable[[Random, bytes], bytes], ...] = (
    *(_cut, _cut, _flip, _flip, _with_punctuation, _with_bad_utf8, _with_blanks, _with_mark),
    *(_with_more, _nothing),
)
