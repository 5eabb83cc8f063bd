"""Rows a part at a time, where what is made of all of them would not fit in memory."""

from collections.abc import Iterator

# Of the values that are made of rows: 16 MiB in float32.
_VALUES_AT_ONCE = 4 * 2**20


def row_parts(rows: int, values_a_row: int, *, at_most: int | None = None) -> Iterator[slice]:
    """Slices of so many rows, one after the other; of no rows one that is empty.

    A part has no more than 4 million values, or one row, and no more than `at_most` rows.
    """
    step = max(1, _VALUES_AT_ONCE // max(1, values_a_row))
    step = step if at_most is None else min(step, at_most)
    for start in range(0, max(1, rows), step):
        yield slice(start, min(start + step, rows))
