"""A JSON body as Python values, and how such a value is named in a message."""

import json
from collections.abc import Collection, Iterable
from contextlib import suppress

import orjson

from service.errors import InvalidInput, MalformedBody, Problem

_QUOTED_CHARACTERS = 32
_NUMBERS = frozenset((int, float))


def parse_object(body: bytes) -> dict[str, object]:
    """The JSON object in `body`. Raises MalformedBody, or InvalidInput for other JSON."""
    if not body:
        raise MalformedBody("the body is empty: expected a JSON object")
    value = _parse(body)
    if not isinstance(value, dict):
        raise InvalidInput(f"expected a JSON object, got {describe(value)}")
    return value


def _parse(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as exc:
        # 1e400 is JSON, if no float64: let it through, to be refused where it stands.
        if "infinity" in str(exc):
            with suppress(ValueError, RecursionError):
                return json.loads(body, parse_int=float, parse_constant=_refuse_constant)
        raise MalformedBody(f"the body is not JSON: {exc}") from exc


def _refuse_constant(name: str) -> object:
    raise ValueError(name)


def refuse_unknown_keys(content: Collection[str], known: Collection[str]) -> None:
    """Raise InvalidInput if a top-level key is not one of `known`."""
    unknown = [Problem(f"unknown key {describe(key)}") for key in content if key not in known]
    if unknown:
        raise InvalidInput(f"expected only the keys {', '.join(known)}", unknown)


def is_number(value: object) -> bool:
    """Whether a JSON value is a number; true and false are not."""
    return type(value) in _NUMBERS


def are_numbers(values: Iterable[object]) -> bool:
    """Whether every one of the JSON values is a number."""
    return _NUMBERS.issuperset(map(type, values))


def describe(value: object) -> str:
    """A value as a message may show it: short, and without what is inside of it."""
    if isinstance(value, str):
        cut = value if len(value) <= _QUOTED_CHARACTERS else value[:_QUOTED_CHARACTERS] + "..."
        return json.dumps(cut, ensure_ascii=False)
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return "an object"
    return json.dumps(value)
