"""Rows of nothing but numbers, decoded without a Python object a number.

simdjson's buffers take a number for each leaf wherever it stands, so they are asked only where the
text itself leaves no doubt; whatever is unusual goes to the general decoder, which also words the
errors. Both give the same arrays (tests/service/codecs/test_json_numbers.py).
"""

import re

import numpy as np
import simdjson

from service.inference.features import Floats

_PLAIN = re.compile(rb'\{\s*"instances"\s*:\s*\[\s*\[')
# A parser keeps the memory of the largest body that it has seen.
_KEPT_BYTES = 1024 * 1024
_kept = simdjson.Parser()


def rows_of_numbers(body: bytes, *, width: int, row_limit: int) -> Floats | None:
    """The array, (n, width), in a body that is {"instances": [[number, ...], ...]}, else None."""
    if _PLAIN.match(body) is None:
        return None
    parser = _kept if len(body) <= _KEPT_BYTES else simdjson.Parser()
    try:
        content = parser.parse(body)
        rows = content["instances"]
        count = len(rows)
        # With a bracket more than these a cell would be a list.
        if (
            len(content) != 1
            or count > row_limit
            or body.count(b"[") != count + 1
            or any(len(row) != width for row in rows)
        ):
            return None
        wide = np.frombuffer(rows.as_buffer(of_type="d"), np.float64).reshape(count, width)
        with np.errstate(over="raise"):
            return wide.astype(np.float32)
    except (ValueError, TypeError, RuntimeError, KeyError, FloatingPointError):
        return None
