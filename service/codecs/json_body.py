"""A JSON body as Python values, and how such a value is named in a message."""

import json
import math
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import islice
from typing import Any

import orjson

from service.codecs.json_mistakes import explain
from service.errors import LISTED_PROBLEMS, InvalidInput, MalformedBody, Problem
from service.nearest import did_you_mean

_QUOTED_CHARACTERS = 32
# To look for the name that was meant takes up to a millisecond: of so many names, among so many.
_LOOKED_UP, _LOOKED_AT = 3, 1000
# To find every infinite number in a longer body takes seconds: it is refused for its first.
_SEARCHED_BYTES = 256 * 1024
# A string, or whatever else may be (a part of) a number.
_STRING_OR_NUMBER = re.compile(rb'"(?:[^"\\]|\\.)*"|[-+.0-9eE]+')
_NUMBER = re.compile(rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
# Whole numbers beyond these are floats, as orjson has it.
_LEAST_INTEGER, _INTEGERS_END = -(2**63), 2**64
_INTEGER_DIGITS = len(str(_INTEGERS_END))
_NUMBERS = frozenset((int, float))


class Problems:
    """Counts every problem, and words the first few: of a million the rest would take seconds."""

    def __init__(self) -> None:
        self.total = 0
        self._listed: list[Problem] = []
        self._meant: dict[str, str] = {}

    def add(
        self,
        message: str | Callable[..., str],
        *values: Any,
        row: int | None = None,
        feature: str | None = None,
    ) -> None:
        """Count a problem; each {} in its message stands for a value, as `describe` shows it.

        A function in its place is called with the values, if the problem is listed.
        """
        self.total += 1
        if len(self._listed) < LISTED_PROBLEMS:
            if isinstance(message, str):
                worded = message.format(*map(describe, values))
            else:
                worded = message(*values)
            self._listed.append(Problem(worded, row, feature))

    def add_unknown(
        self,
        kind: str,
        name: str,
        known: Iterable[str],
        *,
        row: int | None = None,
        otherwise: str = "",
    ) -> None:
        """Count a name that is unknown, with the known one that is most like it, or `otherwise`."""

        def worded(name: str) -> str:
            return f"unknown {kind} {describe(name)}{self._did_you_mean(name, known) or otherwise}"

        self.add(worded, name, row=row)

    def _did_you_mean(self, name: str, known: Iterable[str]) -> str:
        if name not in self._meant and len(self._meant) < _LOOKED_UP:
            self._meant[name] = did_you_mean(name, islice(known, _LOOKED_AT))
        return self._meant.get(name, "")

    def raise_any(self, summary: str) -> None:
        """Raise InvalidInput if there was a problem."""
        if self.total:
            raise InvalidInput(summary, self._listed, total=self.total)


def parse_object(body: bytes, expected: str = "a JSON object") -> dict[str, object]:
    """The JSON object in `body`, which is to be as `expected` shows.

    Raises MalformedBody, or InvalidInput for other JSON.
    """
    if not body or body.isspace():
        raise MalformedBody(f"the body is empty: expected {expected}")
    value = _parse(body)
    if not isinstance(value, dict):
        raise no_object(value, expected)
    return value


def no_object(value: object, expected: str) -> InvalidInput:
    """What is said of JSON that is no object."""
    return InvalidInput(f"expected {expected}, got {describe(value)}")


def _parse(body: bytes) -> object:
    try:
        return _values(body)
    except orjson.JSONDecodeError as exc:
        raise MalformedBody(explain(exc)) from exc


def _values(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as exc:
        if "infinity" not in str(exc):
            raise
        place = f"line {exc.lineno} column {exc.colno} (char {exc.pos})"
    # 1e400 is JSON, if no float64: let it through, to be refused where it stands.
    if len(body) <= _SEARCHED_BYTES:
        return _parse_with_infinities(body)
    raise InvalidInput(f"expected numbers within float64, got a larger one at {place}")


def _parse_with_infinities(body: bytes) -> object:
    """What orjson would give if it knew infinity. Raises its JSONDecodeError.

    It alone says what is JSON, of the same text with each infinite number replaced; Python's own
    parser, which takes more for JSON, gives the values.
    """
    orjson.loads(_STRING_OR_NUMBER.sub(_finite, body))
    try:
        return json.loads(body.decode(), parse_int=_whole_number)
    except RecursionError as exc:
        raise orjson.JSONDecodeError("depth limit exceeded", body.decode(), 0) from exc


def _finite(token: re.Match[bytes]) -> bytes:
    text = token[0]
    if text[0] == ord('"') or _NUMBER.fullmatch(text) is None or not math.isinf(float(text)):
        return text
    return b"0"


def _whole_number(text: str) -> int | float:
    if len(text) <= _INTEGER_DIGITS and _LEAST_INTEGER <= int(text) < _INTEGERS_END:
        return int(text)
    return float(text)


def refuse_unknown_keys(
    content: Collection[str], known: Collection[str], needed: Sequence[str] = ()
) -> None:
    """Raise InvalidInput if a top-level key is not one of `known`.

    Where none of the `needed` keys is there, a lone one of another name was meant for the first.
    """
    unknown = [key for key in content if key not in known]
    if unknown:
        is_lone = len(unknown) == 1 and needed and not any(key in content for key in needed)
        otherwise = f'; did you mean "{needed[0]}"?' if is_lone else ""
        left = [key for key in known if key not in content]
        problems = Problems()
        for key in unknown:
            problems.add_unknown("key", key, left, otherwise=otherwise)
        problems.raise_any(f"expected only the keys {', '.join(known)}")


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
