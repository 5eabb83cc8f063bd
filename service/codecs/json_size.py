"""Whether a long body could fit at all, before a Python object is made of every value in it.

orjson takes seconds for millions of keys, lists or objects, all of them for a refusal; simdjson
lays the same text out in a tenth of the time and tells how much is in each list and object. Lengths
are held against what a body may hold, from the top down, and refused as the plain decoders refuse
them. Only what they could not have taken is refused here (tests/service/codecs/test_json_size.py),
with two exceptions, in bodies of more values than are affordable: a top-level key or a column that
comes twice, and thousands of lists or objects under a name that the model leaves out or a row
repeats.
"""

import re
from collections.abc import Callable, Collection, Mapping

import numpy as np
import simdjson

from service.codecs.json_body import Problems, describe, no_object
from service.codecs.json_mistakes import explain_early
from service.codecs.json_rows import check_columns, check_row_count
from service.codecs.json_shapes import (
    EXPECTED,
    ROW_KEYS,
    no_columns,
    no_list,
    refuse_both_or_none,
    refuse_other_keys,
)
from service.errors import InvalidInput, MalformedBody, TooManyRows
from service.inference.features import RowFormat

# What is shorter is decoded in a few milliseconds, whatever it is.
_SHORT_BYTES = 64 * 1024
# So many values, wherever they stand, take milliseconds too.
_AFFORDABLE = 20_000
# A value follows a comma, or is the first in brackets.
_MARKS = tuple(map(ord, ",[{"))
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"')
# Numbers that simdjson has no room for, where orjson takes a float, or the nearest decoder refuses.
_LARGE_NUMBER = re.compile(
    rb"(?<=[\[,:\s])-?(?:\d{19,}(?:\.\d+)?(?:[eE]\+?\d+)?|\d+(?:\.\d+)?[eE]\+?\d{3,})(?=[\],}\s])"
)

_UNFIT = "the rows do not fit the model's features:"
_CONTAINERS = (simdjson.Array, simdjson.Object)


def refuse_oversized_rows(
    body: bytes,
    *,
    form: RowFormat,
    row_limit: int,
    known: tuple[str, ...],
    check_options: Callable[[Mapping[str, object]], object] | None = None,
) -> None:
    """Refuse a body whose rows cannot fit. Raises as the decoders of rows do."""
    if _is_affordable(body):
        return

    def check_keys(keys: Collection[str], value_of: Callable[[str], object]) -> None:
        refuse_other_keys(keys, value_of, known=known, form=form)

    content = _unread(body, check_keys, EXPECTED)
    if check_options is not None:
        rest = content.keys() - set(ROW_KEYS)
        check_options({key: _outline(content[key]) for key in rest})
    refuse_both_or_none(content)
    if "instances" in content:
        held = _held_by_rows(content["instances"], form, row_limit)
    else:
        held = _held_by_columns(content["inputs"], form, row_limit)
    if _surplus(body, len(content) + held):
        raise InvalidInput(
            f"{_UNFIT} more than {_AFFORDABLE} values are within lists or objects where a row has "
            "a number or a string"
        )


def refuse_oversized_points(
    body: bytes, *, limit: int, check_keys: Callable[[Collection[str]], None], expected: str
) -> None:
    """Refuse a body with more points than fit. Raises as the decoder of evaluate bodies does."""
    if _is_affordable(body):
        return
    content = _unread(body, lambda keys, _: check_keys(keys), expected)
    x, parameters = content.get("x"), content.get("parameters", {})
    if not isinstance(x, simdjson.Array):
        raise InvalidInput(f"x: expected a list of numbers, got {describe(_outline(x))}")
    if len(x) > limit:
        raise TooManyRows(f"expected at most {limit} points in a request, got {len(x)}")
    if isinstance(parameters, simdjson.Object) and len(parameters) > _AFFORDABLE:
        raise InvalidInput(f"parameters: expected a few numbers, got {len(parameters)}")
    if _surplus(body, len(content) + _held(x) + _held(parameters)):
        raise InvalidInput(
            f"more than {_AFFORDABLE} values are where x and parameters have numbers"
        )


def _is_affordable(body: bytes) -> bool:
    return len(body) <= _SHORT_BYTES or _marks(body) <= _AFFORDABLE


def _unread(
    body: bytes,
    check_keys: Callable[[Collection[str], Callable[[str], object]], None],
    expected: str,
) -> dict[str, object]:
    """The values of the top-level keys with their containers unread.

    Raises MalformedBody, InvalidInput for other JSON and for repeated keys, and as `check_keys`.
    """
    content = _parse(body)
    if not isinstance(content, simdjson.Object):
        raise no_object(_outline(content), expected)
    # Its keys alone: the iterators over values make Python objects of all that is inside.
    keys = list(content)
    check_keys(keys, content.__getitem__)
    _refuse_repeated(keys)
    return {key: content[key] for key in keys}


def _parse(body: bytes) -> object:
    try:
        return _laid_out(body)
    except (ValueError, RuntimeError):
        pass
    try:
        return _laid_out(_LARGE_NUMBER.sub(b"0", body))
    except UnicodeDecodeError as exc:
        raise MalformedBody("the body is not JSON: expected UTF-8") from exc
    except (ValueError, RuntimeError) as exc:
        said = explain_early(body) or f"the body is not JSON: {exc}"
        raise MalformedBody(said) from exc


def _laid_out(body: bytes) -> object:
    # A parser keeps the memory of the largest body that it has seen: each has its own.
    return simdjson.Parser().parse(body)


def _refuse_repeated(keys: list[str]) -> None:
    if len(set(keys)) != len(keys):
        raise InvalidInput("expected every key once, got one again")


def _outline(value: object) -> object:
    """As much of a value as is said of it, or counted."""
    if isinstance(value, simdjson.Array):
        return [None] * len(value)
    return {} if isinstance(value, simdjson.Object) else value


def _held_by_rows(rows: object, form: RowFormat, row_limit: int) -> int:
    """The values in a list of rows, without what is inside of a cell."""
    if not isinstance(rows, simdjson.Array):
        raise no_list(_outline(rows))
    check_row_count(len(rows), row_limit)
    names = form.known | form.left_out
    held, surplus, problems = _held(rows), 0, Problems()
    for number, row in enumerate(rows):
        held += _held(row)
        if isinstance(row, simdjson.Array) and len(row) != len(form.names):
            problems.add("expected {} features, got {}", len(form.names), len(row), row=number)
            surplus += max(0, len(row) - len(form.names))
        elif isinstance(row, simdjson.Object) and len(row) > len(names):
            before = problems.total
            _add_unknown(row, names, problems, number)
            surplus += problems.total - before
    if surplus > _AFFORDABLE:
        problems.raise_any(f"{_UNFIT} {surplus} values too many")
    return held


def _held_by_columns(columns: object, form: RowFormat, row_limit: int) -> int:
    """The values in an object of columns, without what is inside of a cell."""
    if not isinstance(columns, simdjson.Object):
        raise no_columns(_outline(columns))
    names = form.known | form.left_out
    if len(columns) > len(names) + _AFFORDABLE:
        problems = Problems()
        _add_unknown(columns, names, problems)
        problems.raise_any(f"{_UNFIT} {problems.total} unknown features")
    keys = list(columns)
    _refuse_repeated(keys)
    unread = {name: columns[name] for name in keys}
    check_columns({name: _outline(unread[name]) for name in keys}, form, row_limit)
    return _held(columns) + sum(map(_held, unread.values()))


def _add_unknown(
    content: simdjson.Object, names: frozenset[str], problems: Problems, row: int | None = None
) -> None:
    for name in content:
        if name not in names:
            problems.add("unknown feature {}", name, row=row)


def _surplus(body: bytes, held: int) -> bool:
    """Whether a body has many more values than the `held` ones that were seen in it."""
    # The text of strings may have commas and brackets, too; to leave it out takes longer.
    most = held + _AFFORDABLE
    return _marks(body) > most and _marks(_STRING.sub(b'""', body)) > most


def _marks(text: bytes) -> int:
    characters = np.frombuffer(text, np.uint8)
    return sum(int(np.count_nonzero(characters == mark)) for mark in _MARKS)


def _held(value: object) -> int:
    """The marks of a list or object itself."""
    return max(1, len(value)) if isinstance(value, _CONTAINERS) else 0
