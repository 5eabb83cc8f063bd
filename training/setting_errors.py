"""What Pydantic finds wrong with settings, in sentences for people: one for each setting."""

import math
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from service.nearest import did_you_mean
from training.config import RunConfig
from training.setting_groups import GROUPS, choices
from training.setting_names import flag, unknown_setting

_EXPECTED = {
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "string_type": "text",
    "path_type": "a path",
    "byte_size": "a size such as 1.5GiB",
    "byte_size_unit": "a size such as 1.5GiB",
    "string_pattern_mismatch": "one ASCII character, or tab",
    "too_short": "at least one value",
}
# How several numbers are said.
_LIST_IN_FLAGS = "{} with blanks between them ({} {})"
LIST_IN_FILE = "{} in a list ([{}, {}])"
LIST_IN_VARY = "{} with an x between them ({}x{})"
_PLURALS = {"a whole number": "whole numbers", "a number": "numbers"}
_EXAMPLES = {"whole numbers": ("128", "64"), "numbers": ("0.5", "0.2")}


def told(
    error: ValidationError,
    kind: type[RunConfig],
    lists: str,
    flags: Collection[str] = (),
    source: Path | None = None,
) -> str:
    """A sentence for every setting that does not fit.

    Those among `flags` are named as such; the others were said where several numbers are written as
    in `lists`, in the file `source` if there is one.
    """
    place = "" if source is None else f"{source}: "
    first: dict[str, Any] = {}
    for found in error.errors(include_url=False):
        # A wrong item makes the list wrong, too: what comes first is the cause.
        first.setdefault(str(found["loc"][0]) if found["loc"] else found["msg"], found)
    sentences = (
        ("" if name in flags or not found["loc"] else place) + _sentence(found, kind, lists, flags)
        for name, found in first.items()
    )
    return "; ".join(sentences)


def shown(value: object) -> str:
    """What came, in quotes unless it is a number."""
    if isinstance(value, str):
        try:
            return value.strip() if math.isfinite(float(value)) else repr(value)
        except ValueError:
            return repr(value)
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _sentence(error: Any, kind: type[RunConfig], lists: str, flags: Collection[str]) -> str:
    message = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input should be ")
    if not error["loc"]:
        return message
    name, value = str(error["loc"][0]), error["input"]
    if error["type"] == "extra_forbidden":
        return f"{name}: {unknown_setting(name, kind.model_fields, GROUPS['search'])}"
    said = flag(name) if name in flags else name
    if ", got " in message:
        # Whoever raised it has told already what came.
        return f"{said}: {message}"
    field = kind.model_fields[name]
    expected = _EXPECTED.get(error["type"], message.removeprefix("expected "))
    if _is_list(field) and expected in _PLURALS and (name == "hidden" or lists != LIST_IN_VARY):
        style = _LIST_IN_FLAGS if name in flags else lists
        expected = style.format(_PLURALS[expected], *_example(_PLURALS[expected], value))
    meant = did_you_mean(value, choices(name, field)) if isinstance(value, str) else ""
    return f"{said}: expected {expected}, got {shown(value)}{meant}"


def _is_list(field: FieldInfo) -> bool:
    return get_origin(field.annotation) is tuple and bool(get_args(field.annotation))


def _example(numbers: str, value: object) -> Sequence[str]:
    """Two numbers: those that came, where they can be told apart."""
    parts = str(value).replace(",", " ").replace("x", " ").split()
    return parts[:2] if len(parts) > 1 and all(map(_is_number, parts)) else _EXAMPLES[numbers]


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal()
