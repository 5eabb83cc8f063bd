"""CSV: delimiter, quotes, byte order mark; every cell comes out as text."""

import csv
import io
from pathlib import Path

import polars as pl

from training.errors import TableInvalid

_DELIMITERS = ",;\t|"
_ROWS_SNIFFED = 20


def parse_csv(path: Path, content: bytes, delimiter: str | None) -> pl.DataFrame:
    """The frame of a CSV file, all text; an empty cell is null. Raises TableInvalid."""
    text = _decode(path, content)
    if not text.strip():
        raise TableInvalid(f"{path}: the file is empty")
    try:
        return _parse(path, text, delimiter or _sniff(text))
    except csv.Error as exc:
        raise TableInvalid(f"{path}: is not a CSV table: {exc}") from exc


def _parse(path: Path, text: str, used: str) -> pl.DataFrame:
    header = next(csv.reader(io.StringIO(text, newline=""), delimiter=used))
    _check_header(path, header)
    try:
        frame = pl.read_csv(text.encode(), infer_schema=False, separator=used)
    except pl.exceptions.PolarsError as exc:
        _require_rectangle(path, text, used)
        raise TableInvalid(f"{path}: is not a CSV table: {str(exc).splitlines()[0]}") from exc
    # A row that is too short reads as one with empty cells at its end.
    if frame.height and frame.to_series(-1).null_count():
        _require_rectangle(path, text, used)
    if frame.height == 0:
        raise TableInvalid(f"{path}: there is a header and no row")
    # pandas writes its index under no name.
    return frame.rename({"": f"column_{header.index('') + 1}"}) if "" in header else frame


def _decode(path: Path, content: bytes) -> str:
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
    return [line for _, line in zip(range(_ROWS_SNIFFED), io.StringIO(text), strict=False)]


def _check_header(path: Path, header: list[str]) -> None:
    twice = [name for name in header if header.count(name) > 1]
    if twice:
        raise TableInvalid(f"{path}: two columns are called '{twice[0]}'")


def _require_rectangle(path: Path, text: str, delimiter: str) -> None:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    width = len(next(reader))
    for number, row in enumerate(reader, start=1):
        # An empty line is a row only where there is one column.
        if len(row) != width and (row or width == 1):
            raise TableInvalid(
                f"{path}: row {number} (line {reader.line_num}): expected {width} cells as in the "
                f"header, got {len(row)}"
            )
