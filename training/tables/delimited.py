"""CSV: delimiter, quotes, byte order mark; every cell comes out as text."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from training.errors import TableInvalid

_DELIMITERS = ",;\t|"
_ROWS_SNIFFED = 20
_EMPTY_LINES = re.compile(r"\n(\r?\n)+")


def parse_csv(path: Path, content: bytes, delimiter: str | None) -> pl.DataFrame:
    """The frame of a CSV file, all text; an empty cell is null. Raises TableInvalid."""
    text = _decode(path, content)
    if not text.strip():
        raise TableInvalid(f"{path}: the file is empty")
    try:
        with _cells_of_any_length(len(text)):
            return _parse(path, text, delimiter or _sniff(text))
    except csv.Error as exc:
        raise TableInvalid(f"{path}: is not a CSV table: {exc}") from exc


@contextmanager
def _cells_of_any_length(longest: int) -> Iterator[None]:
    # 128 KiB by default, which a line reaches when it is cut by a character that it does not hold.
    before = csv.field_size_limit(longest + 1)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _parse(path: Path, text: str, used: str) -> pl.DataFrame:
    header = next(row for row in csv.reader(io.StringIO(text, newline=""), delimiter=used) if row)
    names = _named(path, header)
    if '"' in text:
        # polars takes a quote within a cell for the beginning of one.
        frame = _by_rows(path, text, used, names)
    else:
        # An empty line is no row, unless there is but one column.
        lines = text if len(names) == 1 else _EMPTY_LINES.sub("\n", text).strip("\r\n") + "\n"
        try:
            frame = pl.read_csv(
                lines.encode(), infer_schema=False, separator=used, new_columns=names
            )
        except pl.exceptions.PolarsError as exc:
            _by_rows(path, text, used, names)
            raise TableInvalid(f"{path}: is not a CSV table: {str(exc).splitlines()[0]}") from exc
        # A row that is too short reads as one with empty cells at its end.
        if frame.height and frame.to_series(-1).null_count():
            _by_rows(path, text, used, names)
    if frame.height == 0:
        raise TableInvalid(f"{path}: there is a header and no row")
    return frame


def _decode(path: Path, content: bytes) -> str:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise TableInvalid(
            f"{path}: expected UTF-8, got UTF-16: iconv -f utf-16 -t utf-8 turns it into that"
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = content.count(b"\n", 0, exc.start) + 1
        raise TableInvalid(
            f"{path}: expected UTF-8, got the byte 0x{content[exc.start]:02x} in line {line}; "
            "iconv -f latin1 -t utf-8 turns Western European text into it"
        ) from exc


def _sniff(text: str) -> str:
    """The delimiter that cuts the first lines into equally many cells, and the most of them."""
    lines = list(_first_lines(text))
    best, most = ",", 0
    for candidate in _DELIMITERS:
        widths = [len(row) for row in csv.reader(lines, delimiter=candidate) if row]
        score = 2 * widths[0] + (len(set(widths)) == 1)
        if widths[0] > 1 and score > most:
            best, most = candidate, score
    return best


def _first_lines(text: str) -> list[str]:
    lines = (line for line in io.StringIO(text) if line.strip())
    return [line for _, line in zip(range(_ROWS_SNIFFED), lines, strict=False)]


def _named(path: Path, header: list[str]) -> list[str]:
    """The columns' names; one without, as pandas writes its index, gets one."""
    names: list[str] = []
    for place, name in enumerate(header, start=1):
        new = name or f"column_{place}"
        while not name and new in header:
            new += "_"
        names.append(new)
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise TableInvalid(f"{path}: two columns are called '{name}'")
        seen.add(name)
    return names


def _by_rows(path: Path, text: str, delimiter: str, names: Sequence[str]) -> pl.DataFrame:
    """The frame, row by row, with a sentence for the rows of another width."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    width = len(next(row for row in reader if row))
    columns: list[list[str | None]] = [[] for _ in names]
    number = others = 0
    first = ""
    for row in reader:
        if not row and width > 1:
            continue
        number += 1
        if len(row) != width and row:
            others += 1
            first = first or (
                f"row {number} (line {reader.line_num}): expected {width} cells as in the header, "
                f"got {len(row)}"
            )
            continue
        for column, cell in zip(columns, row or [""], strict=True):
            column.append(cell or None)
    if others:
        more = f" (and {others - 1:,} more such rows of {number:,})" if others > 1 else ""
        raise TableInvalid(f"{path}: {first}{more}")
    return pl.DataFrame(
        [pl.Series(n, c, dtype=pl.String) for n, c in zip(names, columns, strict=True)]
    )
