"""What a direct path asks for: see `find`."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

# By lower-case name; of a name that comes twice, the last.
Headers = Mapping[bytes, bytes]

_PATH = re.compile(
    "/v1/(?:models/([^/:?#%]+)(?:/versions/([^/:?#%]+))?(:predict|:activations)"
    "|activations/([^/:?#%]+)(:evaluate))"
)
# No name is as long, and longer paths are not worth remembering.
_LONGEST_PATH = 512
# The digits of any length that a body may have; Python reads no number of thousands.
_LONGEST_LENGTH = 19


class Call(NamedTuple):
    """What a path asks for."""

    path: str
    verb: str
    name: str
    version: str | None


def find(path: str) -> Call | None:
    """The call that a path is, if it is a direct one.

    /v1/models/{name}[/versions/{v}]:predict and :activations, /v1/activations/{name}:evaluate.
    """
    return _found(path) if len(path) <= _LONGEST_PATH else None


def is_length(declared: bytes) -> bool:
    """Whether a Content-Length is a number of bytes that can be compared with a limit."""
    return declared.isdigit() and len(declared) <= _LONGEST_LENGTH


@lru_cache(maxsize=1024)
def _found(path: str) -> Call | None:
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    name, version, verb, function, evaluate = found.groups()
    return Call(path, verb or evaluate, name or function, version)
