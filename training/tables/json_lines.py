"""JSON: an object a line, or one array of objects; a key is a column."""

import io
import json
import re
from pathlib import Path

import polars as pl

from training.errors import TableInvalid

_SUFFIXES = (".jsonl", ".ndjson", ".json")
_MARK = b"\xef\xbb\xbf"
_BEGINS = re.compile(rb'\s*(\[\s*)?\{\s*["}]')
_EXPECTED = "expected an object on each line, or one array of objects"


def is_json(path: Path, content: bytes) -> bool:
    """Whether a file is named or begins as JSON."""
    name = path.name.lower().removesuffix(".gz")
    return name.endswith(_SUFFIXES) or _BEGINS.match(content.removeprefix(_MARK)[:100]) is not None


def parse_json(path: Path, content: bytes) -> pl.DataFrame:
    """The frame of a JSON file, in the types of its values. Raises TableInvalid."""
    content = content.removeprefix(_MARK)
    if not content.strip():
        raise TableInvalid(f"{path}: the file is empty")
    is_array = content.lstrip()[:1] == b"["
    read = pl.read_json if is_array else pl.read_ndjson
    try:
        frame = read(io.BytesIO(content), infer_schema_length=None)
    # Of what is no table polars raises nearly anything, or panics, which is no Exception.
    except (Exception, pl.exceptions.PanicException) as exc:
        reason = (str(exc).splitlines() or [type(exc).__name__])[0]
        kinds = f"expected values of one kind for each key: {reason}"
        where = _fault(content, is_array=is_array) or kinds
        raise TableInvalid(f"{path}: {where}") from exc
    if not frame.height or not frame.width:
        raise TableInvalid(f"{path}: there is no row: {_EXPECTED}")
    if "" in frame.columns:
        raise TableInvalid(f"{path}: a key is empty: expected the name of a column")
    return frame


def _fault(content: bytes, *, is_array: bool) -> str | None:
    """What is wrong with the first line, or the first of the array, that is no object."""
    try:
        text = content.decode()
        if is_array:
            return _of_array(json.loads(text, parse_constant=_refuse))
        return _of_lines(text)
    except UnicodeDecodeError as exc:
        return f"expected UTF-8, got the byte 0x{content[exc.start]:02x}"
    except RecursionError:
        return f"{_EXPECTED}, got one that is nested too deep"
    except ValueError as exc:
        return f"is not JSON: {exc}"


def _of_array(rows: object) -> str | None:
    assert isinstance(rows, list)
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            return f"{_EXPECTED}, got {type(row).__name__} in place {number} of the array"
    return None


def _of_lines(text: str) -> str | None:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line, parse_constant=_refuse)
        except ValueError as exc:
            return f"line {number} is not JSON: {_EXPECTED}: {exc}"
        if not isinstance(row, dict):
            return f"{_EXPECTED}, got {type(row).__name__} in line {number}"
    return None


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is no JSON: null is a missing value")
