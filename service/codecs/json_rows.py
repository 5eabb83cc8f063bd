"""The rows of a JSON request as features: lists, objects by feature name, or columns."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from service.codecs.json_body import are_numbers, describe, is_number
from service.errors import LISTED_PROBLEMS, InvalidInput, Problem, TooManyRows

Floats = npt.NDArray[np.float32]

_FLOAT32_MAX = float(np.finfo(np.float32).max)


class _Problems:
    """Counts every problem and keeps the first few."""

    def __init__(self) -> None:
        self.kept: list[Problem] = []
        self.total = 0

    def add(self, message: str, *, row: int | None = None, feature: str | None = None) -> None:
        self.total += 1
        if len(self.kept) < LISTED_PROBLEMS:
            self.kept.append(Problem(message, row, feature))

    def raise_any(self) -> None:
        if self.total:
            noun = "problem" if self.total == 1 else "problems"
            summary = f"the rows do not fit the model's features: {self.total} {noun}"
            raise InvalidInput(summary, self.kept, total=self.total)


def decode_rows(content: Mapping[str, object], *, names: Sequence[str], row_limit: int) -> Floats:
    """Features of shape (n, n_features) from `instances` or `inputs` of a request.

    Raises InvalidInput, naming row and feature, and TooManyRows.
    """
    if ("instances" in content) == ("inputs" in content):
        raise InvalidInput('expected exactly one of the keys "instances" and "inputs"')
    if "instances" in content:
        return _from_instances(content["instances"], names, row_limit)
    return _from_columns(content["inputs"], names, row_limit)


def _from_instances(rows: object, names: Sequence[str], row_limit: int) -> Floats:
    if not isinstance(rows, list):
        raise InvalidInput(f"instances: expected a list of rows, got {describe(rows)}")
    _check_row_count(len(rows), row_limit)
    problems = _Problems()
    known = set(names)
    cells = [_cells_of(row, number, names, known, problems) for number, row in enumerate(rows)]
    problems.raise_any()
    return _to_float32(cells, names)


def _cells_of(
    row: object, number: int, names: Sequence[str], known: set[str], problems: _Problems
) -> list[object]:
    if isinstance(row, dict):
        row = _in_order(row, number, names, known, problems)
    elif not isinstance(row, list):
        problems.add(f"expected a list or an object, got {describe(row)}", row=number)
        return []
    elif len(row) != len(names):
        problems.add(f"expected {len(names)} features, got {len(row)}", row=number)
        return []
    if not are_numbers(row):
        for name, cell in zip(names, row, strict=True):
            if not is_number(cell):
                problems.add(_not_a_number(cell), row=number, feature=name)
    return row


def _in_order(
    row: Mapping[str, object],
    number: int,
    names: Sequence[str],
    known: set[str],
    problems: _Problems,
) -> list[object]:
    if row.keys() != known:
        for name in names:
            if name not in row:
                problems.add("the feature is missing", row=number, feature=name)
        for name in row.keys() - known:
            problems.add(f"unknown feature {describe(name)}", row=number)
        return []
    return [row[name] for name in names]


def _from_columns(columns: object, names: Sequence[str], row_limit: int) -> Floats:
    if not isinstance(columns, dict):
        raise InvalidInput(f"inputs: expected an object of columns, got {describe(columns)}")
    problems = _Problems()
    _check_columns(columns, names, problems)
    problems.raise_any()
    length = len(columns[names[0]])
    _check_row_count(length, row_limit)
    for name in names:
        _check_column(columns[name], name, length, problems)
    problems.raise_any()
    return _to_float32(list(zip(*(columns[name] for name in names), strict=True)), names)


def _check_columns(
    columns: Mapping[str, object], names: Sequence[str], problems: _Problems
) -> None:
    for name in names:
        if name not in columns:
            problems.add("the feature is missing", feature=name)
        elif not isinstance(columns[name], list):
            problems.add(f"expected a list, got {describe(columns[name])}", feature=name)
    for name in columns.keys() - set(names):
        problems.add(f"unknown feature {describe(name)}")


def _check_column(cells: Sequence[object], name: str, length: int, problems: _Problems) -> None:
    if len(cells) != length:
        problems.add(
            f"expected {length} rows as in the first column, got {len(cells)}", feature=name
        )
    for number, cell in enumerate(cells):
        if not is_number(cell):
            problems.add(_not_a_number(cell), row=number, feature=name)


def _check_row_count(count: int, limit: int) -> None:
    if count > limit:
        raise TooManyRows(f"expected at most {limit} rows in a request, got {count}")


def _not_a_number(cell: object) -> str:
    return f"expected a number, got {describe(cell)}"


def _to_float32(rows: Sequence[Sequence[object]], names: Sequence[str]) -> Floats:
    wide = np.array(rows, dtype=np.float64).reshape(len(rows), len(names))
    outside = np.argwhere(~(np.abs(wide) <= _FLOAT32_MAX))
    if outside.size:
        problems = [
            Problem(f"expected a number within float32, got {wide[i, j]:g}", int(i), names[j])
            for i, j in outside[:LISTED_PROBLEMS]
        ]
        raise InvalidInput("a number is too large", problems, total=len(outside))
    return wide.astype(np.float32)
