"""Every decoder against a slow twin that is plain Python: its own JSON parser, a cell at a time."""

import datetime as dt
import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.fuzzing.bodies import Body
from benchmarks.fuzzing.subjects import Model
from service.codecs.json_activation import decode_evaluate
from service.codecs.json_body import parse_object, refuse_unknown_keys
from service.codecs.json_hidden import decode_hidden
from service.codecs.json_numbers import rows_of_numbers
from service.codecs.json_predict import decode_predict
from service.codecs.json_rows import decode_rows
from service.errors import InvalidRequest
from service.inference.features import Features, RowFormat

ROW_LIMIT = 10_000
_INTEGER_DIGITS = 20
_SURELY_PARSED_DEPTH = 800
# As the shipped models have them.
_MISSING_TEXTS = ("", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null")


class Disagreement(Exception):
    """A body for which something does not hold that must."""

    def __init__(self, body: Body, what: str) -> None:
        super().__init__(f"body {body.number} to {body.path}: {what}\n{body.content!r}")
        self.body = body


class _TooDeepForPython(Exception):
    """Python's parser stops a little short of the depth that is allowed: nothing to compare."""


def accepts(body: Body) -> bool:
    """Whether the decoder of the body's path takes it. Raises Disagreement."""
    try:
        _check_parsing(body)
        accepted = _evaluate(body) if body.model is None else _rows(body, body.model)
    except Disagreement:
        raise
    except _TooDeepForPython:
        accepted = True
    except Exception as exc:
        raise Disagreement(body, f"{type(exc).__name__}: {exc}") from exc
    if body.well_formed and not accepted:
        raise Disagreement(body, "a well-formed body was refused")
    return accepted


def _check_parsing(body: Body) -> None:
    """What is accepted has Python's values; what Python strictly accepts is accepted."""
    try:
        expected = _parsed_by_python(body.content)
    except _TooDeepForPython:
        return
    try:
        found: object = parse_object(body.content)
    except InvalidRequest as exc:
        if isinstance(expected, dict) and not _is_deep(body.content):
            raise Disagreement(body, f"Python takes it for an object, but: {exc}") from exc
        return
    if not _same(found, expected):
        raise Disagreement(body, f"expected {expected!r:.500}, got {found!r:.500}")


def _is_deep(content: bytes) -> bool:
    """Whether it may be too deep for Python's parser where the stack is not empty already."""
    return content.count(b"[") + content.count(b"{") > _SURELY_PARSED_DEPTH


def _parsed_by_python(content: bytes) -> object:
    """The value, or None for what is not JSON."""
    # A surrogate without its other half is no text, not even in a member that another replaces.
    hook = _text_only if b"\\u" in content else None
    try:
        return json.loads(
            content.decode(),
            parse_int=_whole,
            parse_constant=_no_constant,
            object_pairs_hook=hook,
        )
    except ValueError:
        return None
    except RecursionError as exc:
        raise _TooDeepForPython from exc


def _text_only(members: list[tuple[str, object]]) -> dict[str, object]:
    json.dumps(members, ensure_ascii=False).encode()
    return dict(members)


def _whole(text: str) -> int | float:
    if len(text) <= _INTEGER_DIGITS and -(2**63) <= int(text) < 2**64:
        return int(text)
    return float(text)


def _no_constant(word: str) -> object:
    raise ValueError(f"{word} is not JSON")


def _same(found: object, expected: object) -> bool:
    """Whether two values are the same, types and bits included, however deep."""
    pairs: list[tuple[Any, Any]] = [(found, expected)]
    while pairs:
        one, other = pairs.pop()
        if type(one) is not type(other):
            return False
        if isinstance(one, dict):
            if one.keys() != other.keys():
                return False
            pairs += ((value, other[key]) for key, value in one.items())
        elif isinstance(one, list):
            if len(one) != len(other):
                return False
            pairs += zip(one, other, strict=True)
        elif isinstance(one, float):
            if struct.pack("<d", one) != struct.pack("<d", other):
                return False
        elif one != other:
            return False
    return True


def _evaluate(body: Body) -> bool:
    try:
        asked = decode_evaluate(body.content, limit=ROW_LIMIT)
    except InvalidRequest:
        return False
    content = _object(body.content)
    points = np.array([float(x) for x in content["x"]], dtype=np.float64)
    if asked.x.tobytes() != points.tobytes() or not _same(
        asked.parameters, content.get("parameters", {})
    ):
        raise Disagreement(body, f"other points or parameters: {asked}")
    return True


def _rows(body: Body, model: Model) -> bool:
    form = model.form
    short = rows_of_numbers(body.content, width=len(form.names), row_limit=ROW_LIMIT)
    try:
        found = _decoded(body, model)
    except InvalidRequest as exc:
        if short is not None and form.plain:
            raise Disagreement(body, f"the short way takes what is refused: {exc}") from exc
        return False
    _compare(body, found, _plain_features(_object(body.content), form), "Python's rows")
    if short is not None and form.plain:
        content = parse_object(body.content)
        refuse_unknown_keys(content, ("instances",))
        general = decode_rows(content, form=form, row_limit=ROW_LIMIT)
        _compare(body, Features(short, found.categorical), general, "the general decoder's")
    return True


def _decoded(body: Body, model: Model) -> Features:
    if body.path.endswith(":predict"):
        return decode_predict(
            body.content, form=model.form, manifest=model.manifest, row_limit=ROW_LIMIT
        ).features
    return decode_hidden(body.content, form=model.form, row_limit=ROW_LIMIT)


def _compare(body: Body, found: Features, expected: Features, whose: str) -> None:
    # Bit by bit: -0.0 too. Every gap is the same NaN.
    if (
        found.numeric.dtype != np.float32
        or found.numeric.shape != expected.numeric.shape
        or found.numeric.tobytes() != expected.numeric.tobytes()
        or found.categorical.tolist() != expected.categorical.tolist()
    ):
        raise Disagreement(body, f"{found} differs from {whose}: {expected}")


def _object(content: bytes) -> dict[str, Any]:
    """The object in a body that was accepted."""
    value = _parsed_by_python(content)
    assert isinstance(value, dict)
    return value


def _plain_features(content: Mapping[str, object], form: RowFormat) -> Features:
    rows = _plain_rows(content, form)
    numbers = [[_number(row[place]) for place in form.numeric] for row in rows]
    texts = [[_text(row[place], place, form) for place in form.texts] for row in rows]
    return Features(
        np.array(numbers, np.float64).reshape(len(rows), len(form.numeric)).astype(np.float32),
        np.array(texts, dtype=object).reshape(len(rows), len(form.texts)),
    )


def _plain_rows(content: Mapping[str, object], form: RowFormat) -> Sequence[Sequence[object]]:
    if "inputs" in content:
        columns = content["inputs"]
        assert isinstance(columns, dict)
        count = len(next(columns[name] for name in form.names if name in columns))
        gaps = [None] * count
        return [[columns.get(name, gaps)[number] for name in form.names] for number in range(count)]
    rows = content["instances"]
    assert isinstance(rows, list)
    return [
        [row.get(name) for name in form.names] if isinstance(row, dict) else row for row in rows
    ]


def _number(cell: object) -> float:
    if cell is None:
        return float("nan")
    if isinstance(cell, str):
        return _days(cell)
    assert isinstance(cell, int | float)
    return float(cell)


def _days(cell: str) -> float:
    """A date by Python's own reading of it, in parts of a day that float32 has room for."""
    if cell.strip() in _MISSING_TEXTS:
        return float("nan")
    moment = dt.datetime.fromisoformat(cell.strip())
    offset = moment.utcoffset() or dt.timedelta(0)
    since = moment.replace(tzinfo=None) - dt.datetime(1970, 1, 1) - offset  # noqa: DTZ001
    day = dt.timedelta(days=1)
    return since // (day / 256) / 256 if -(2**16) <= since // day < 2**16 else float(since // day)


def _text(cell: object, place: int, form: RowFormat) -> str:
    if isinstance(cell, bool):
        return form.booleans[place][cell]
    return "" if cell is None else form.spellings[place].read(str(cell))
