"""Rows of nothing but numbers, decoded without a Python object a number.

simdjson's buffers take a number for each leaf wherever it stands, so they are asked only where the
text itself leaves no doubt; whatever is unusual goes to the general decoder, which also words the
errors. Both give the same arrays (tests/service/codecs/test_json_numbers.py).
"""

import re
from collections.abc import Iterable, Sized
from typing import cast

import numpy as np
import numpy.typing as npt
import simdjson

from service.inference.features import Floats

# As most clients write it, and as all may.
_SHORTEST = b'{"instances":[['
_PLAIN = re.compile(rb'\s*\{\s*"instances"\s*:\s*\[\s*\[')
# A parser keeps the memory of the largest body that it has seen, and is of one thread: longer ones
# may be decoded on another (service/api/direct.py).
KEPT_BYTES = 512 * 1024
_kept = simdjson.Parser()


def rows_of_numbers(body: bytes, *, width: int, row_limit: int) -> Floats | None:
    """The array, (n, width), in a body that is {"instances": [[number, ...], ...]}, else None."""
    # One object, and a list a row in one list: then no cell is anything of the kind.
    if body.startswith(_SHORTEST):
        start = len(_SHORTEST)
    elif opening := _PLAIN.match(body):
        start = opening.end()
    else:
        return None
    if body.find(b"{", start) >= 0:
        return None
    parser = _kept if len(body) <= KEPT_BYTES else simdjson.Parser()
    try:
        content = parser.parse(body)
        if not isinstance(content, simdjson.Object) or len(content) != 1:
            return None
        rows = content["instances"]
        if not isinstance(rows, simdjson.Array):
            return None
        count = len(rows)
        if count > row_limit or set(map(len, cast("Iterable[Sized]", rows))) != {width}:
            return None
        if _lists_in(body) != count + 1:
            return None
        wide = np.frombuffer(rows.as_buffer(of_type="d"), np.float64).reshape(count, width)
        return _narrowed(wide)
    except (ValueError, TypeError, RuntimeError, KeyError, FloatingPointError):
        return None


# As a context, errstate takes twice as long.
@np.errstate(over="raise")
def _narrowed(wide: npt.NDArray[np.float64]) -> Floats:
    return wide.astype(np.float32)


def _lists_in(body: bytes) -> int:
    # Looks for the next bracket at once, where count looks at byte after byte.
    return len(body) - len(body.replace(b"[", b""))
