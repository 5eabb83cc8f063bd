"""Where the rows of a body are, and what is said where they are in no place for rows."""

from collections.abc import Callable, Collection, Mapping, Sequence, Sized

from service.codecs.json_body import are_numbers, describe, refuse_unknown_keys
from service.errors import InvalidInput
from service.inference.features import RowFormat

ROW_KEYS = ("instances", "inputs")
EXPECTED = '{"instances": [...]}'


def refuse_other_keys(
    keys: Collection[str],
    value_of: Callable[[str], object],
    *,
    known: Collection[str],
    form: RowFormat,
) -> None:
    """Raise InvalidInput if a key is not `known`; of a body that is a row itself, with its place.

    `value_of` gives the value of a key, or its unread outline.
    """
    if not [key for key in keys if key not in known]:
        return
    if not any(key in keys for key in ROW_KEYS):
        feature = next((key for key in keys if key in form.known), None)
        if feature is not None:
            raise _bare(feature, value_of(feature))
    refuse_unknown_keys(keys, known, ROW_KEYS)


def _bare(feature: str, value: object) -> InvalidInput:
    name = describe(feature)
    if isinstance(value, Sized) and not isinstance(value, str):
        return InvalidInput(
            f'the body is columns itself: expected {{"inputs": {{{name}: [...], ...}}}}'
        )
    return InvalidInput(
        "the body is a row itself: expected a list of rows, "
        f'{{"instances": [{{{name}: ..., ...}}]}}'
    )


def refuse_both_or_none(content: Mapping[str, object]) -> None:
    """Raise InvalidInput unless the rows are there, in one form."""
    if ("instances" in content) == ("inputs" in content):
        raise InvalidInput('expected exactly one of the keys "instances" and "inputs"')


def no_list(rows: object) -> InvalidInput:
    """What is said of rows that are no list."""
    hint = '; a row goes into a list, [{...}], and columns under "inputs"'
    return InvalidInput(
        f"instances: expected a list of rows, got {describe(rows)}"
        f"{hint if isinstance(rows, dict) else ''}"
    )


def no_columns(columns: object) -> InvalidInput:
    """What is said of columns that are no object."""
    hint = '; a list of rows goes under "instances"' if isinstance(columns, list) else ""
    return InvalidInput(f"inputs: expected an object of columns, got {describe(columns)}{hint}")


def refuse_flat(rows: Sequence[object]) -> None:
    """Raise InvalidInput if the rows are the cells of one."""
    if not rows or isinstance(rows[0], (list, dict)):
        return
    if any(isinstance(row, (list, dict)) for row in rows):
        return
    if are_numbers(rows):
        raise InvalidInput(
            "instances is one row of numbers: expected a list of rows, [[0, 0, 1, 2]]"
        )
    raise InvalidInput("instances is one row: expected a list of rows, [[...]]")
