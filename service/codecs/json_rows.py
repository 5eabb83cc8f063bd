"""The rows of a JSON request as features: lists, objects by feature name, or columns."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from service.codecs.json_body import Problems, describe
from service.codecs.json_cells import check_cells
from service.codecs.json_shapes import no_columns, no_list, refuse_both_or_none, refuse_flat
from service.errors import LISTED_PROBLEMS, InvalidInput, Problem, TooManyRows
from service.inference.features import Features, Floats, RowFormat, numbers_only, with_days


def decode_rows(content: Mapping[str, object], *, form: RowFormat, row_limit: int) -> Features:
    """The features in `instances` or `inputs` of a request; null, or nothing, is missing.

    Raises InvalidInput, naming row and feature, and TooManyRows.
    """
    refuse_both_or_none(content)
    if "instances" in content:
        return _from_instances(content["instances"], form, row_limit)
    return _from_columns(content["inputs"], form, row_limit)


def check_row_count(count: int, limit: int) -> None:
    """Raise TooManyRows for more rows than the limit."""
    if count > limit:
        raise TooManyRows(f"expected at most {limit} rows in a request, got {count}")


def _from_instances(rows: object, form: RowFormat, row_limit: int) -> Features:
    if not isinstance(rows, list):
        raise no_list(rows)
    check_row_count(len(rows), row_limit)
    refuse_flat(rows)
    problems = Problems()
    cells = [_cells_of(row, number, form, problems) for number, row in enumerate(rows)]
    _raise_any(problems)
    return _to_features(cells, form)


def _cells_of(row: object, number: int, form: RowFormat, problems: Problems) -> list[object]:
    if isinstance(row, dict):
        return _in_order(row, number, form, problems)
    if not isinstance(row, list):
        problems.add("expected a list or an object, got {}", row, row=number)
    elif len(row) != len(form.names):
        problems.add("expected {} features, got {}", len(form.names), len(row), row=number)
    else:
        check_cells(row, number, form, problems)
        return row
    return []


def _in_order(
    row: Mapping[str, object], number: int, form: RowFormat, problems: Problems
) -> list[object]:
    if row.keys() == form.known:
        cells = [row[name] for name in form.names]
        check_cells(cells, number, form, problems)
        return cells
    before = problems.total
    for place, why in form.required.items():
        if form.names[place] not in row:
            problems.add(_missing, why, row=number, feature=form.names[place])
    _add_unknown(row, form, problems, number)
    if problems.total > before:
        return []
    cells = [row.get(name) for name in form.names]
    check_cells(cells, number, form, problems)
    return cells


def _missing(why: str) -> str:
    return f"the feature is missing: {why}"


def _empty(cell: object, why: str) -> str:
    return f"expected a text, got {describe(cell)}, which is missing: {why}"


def _from_columns(columns: object, form: RowFormat, row_limit: int) -> Features:
    if not isinstance(columns, dict):
        raise no_columns(columns)
    length = check_columns(columns, form, row_limit)
    gaps = [None] * length
    problems = Problems()
    rows = list(zip(*(columns.get(name, gaps) for name in form.names), strict=True))
    for number, row in enumerate(rows):
        check_cells(row, number, form, problems)
    _raise_any(problems)
    return _to_features(rows, form)


def check_columns(columns: Mapping[str, Any], form: RowFormat, row_limit: int) -> int:
    """The rows in columns whose cells have not been looked at.

    Raises InvalidInput for wrong names, and lengths that differ; TooManyRows.
    """
    problems = Problems()
    _check_names(columns, form, problems)
    _raise_any(problems)
    present = [name for name in form.names if name in columns]
    if not present:
        raise InvalidInput("inputs: expected at least one column")
    length = len(columns[present[0]])
    check_row_count(length, row_limit)
    for name in present:
        if len(columns[name]) != length:
            problems.add(
                "expected {} rows as in the first column, got {}",
                length,
                len(columns[name]),
                feature=name,
            )
    _raise_any(problems)
    return length


def _check_names(columns: Mapping[str, object], form: RowFormat, problems: Problems) -> None:
    for place, name in enumerate(form.names):
        if name not in columns:
            if place in form.required:
                problems.add(_missing, form.required[place], feature=name)
        elif not isinstance(columns[name], list):
            problems.add("expected a list, got {}", columns[name], feature=name)
    _add_unknown(columns, form, problems)


def _add_unknown(
    given: Mapping[str, object], form: RowFormat, problems: Problems, row: int | None = None
) -> None:
    unknown = given.keys() - form.known - form.left_out
    if not unknown:
        return
    left = [name for name in form.names if name not in given]
    for name in given:
        if name in unknown:
            problems.add_unknown("feature", name, left, row=row)


def _raise_any(problems: Problems) -> None:
    if problems.total:
        noun = "problem" if problems.total == 1 else "problems"
        problems.raise_any(f"the rows do not fit the model's features: {problems.total} {noun}")


def _to_features(rows: Sequence[Sequence[object]], form: RowFormat) -> Features:
    if form.plain:
        return numbers_only(_to_float32(rows, form))
    if form.dates:
        rows = [with_days(row, form) for row in rows]
    numbers = [[row[place] for place in form.numeric] for row in rows]
    texts = [[_as_text(row[place], place, form) for place in form.texts] for row in rows]
    _refuse_empty_text(texts, rows, form)
    categorical = np.array(texts, dtype=object).reshape(len(rows), len(form.texts))
    return Features(_to_float32(numbers, form), categorical)


def _refuse_empty_text(
    texts: Sequence[Sequence[str]], rows: Sequence[Sequence[object]], form: RowFormat
) -> None:
    """Raise InvalidInput where a text that must be there says that it is missing."""
    empty = [
        (number, form.texts[column])
        for number, row in enumerate(texts)
        for column in form.required_texts
        if not row[column]
    ]
    if empty:
        problems = Problems()
        for number, place in empty:
            cell, why = rows[number][place], form.required[place]
            problems.add(_empty, cell, why, row=number, feature=form.names[place])
        _raise_any(problems)


def _as_text(cell: object, place: int, form: RowFormat) -> str:
    if type(cell) is bool:
        return form.booleans[place][cell]
    return form.spellings[place].read(cell) if isinstance(cell, str) else ""


@np.errstate(over="ignore")
def _narrowed(wide: npt.NDArray[np.float64]) -> Floats:
    return wide.astype(np.float32)


def _to_float32(rows: Sequence[Sequence[object]], form: RowFormat) -> Floats:
    wide = np.array(rows, dtype=np.float64).reshape(len(rows), len(form.numeric))
    narrow = _narrowed(wide)
    # Gaps are NaN; JSON has no infinity.
    if np.isinf(narrow).any():
        outside = np.argwhere(np.isinf(narrow))
        problems = [
            Problem(
                f"expected a number within float32, got {wide[i, j]:g}",
                int(i),
                form.names[form.numeric[j]],
            )
            for i, j in outside[:LISTED_PROBLEMS]
        ]
        raise InvalidInput("a number is too large", problems, total=len(outside))
    return narrow
