"""JSON lines and arrays of objects as tables, and what is said of what is neither."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.errors import TableInvalid
from training.tables.kinds import Asked
from training.tables.read import read_table

ROWS: list[dict[str, Any]] = [
    {"size": 1, "word": "a", "ok": True, "price": "$1,200", "y": "u"},
    {"size": 2.5, "word": "b", "ok": False, "price": "$3", "y": "v"},
    {"word": "a", "ok": None, "price": None, "tags": [1], "y": "u"},
]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS).encode()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.jsonl", LINES),
        ("t.ndjson.gz", gzip.compress(LINES.replace(b"\n", b"\r\n\r\n"))),
        ("t.json", json.dumps(ROWS, indent=2).encode()),
        ("t", b"\xef\xbb\xbf" + LINES),
    ],
    ids=["lines", "gzip, with empty lines", "array", "no ending"],
)
def test_objects_are_rows_and_keys_are_columns(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)

    table = read_table(tmp_path / name, "y", Asked(), None)

    kinds = {column.name: column.kind for column in table.columns}
    assert kinds == {"size": "number", "word": "category", "ok": "category", "price": "number"}
    np.testing.assert_array_equal(table.features.numeric, [[1, 1200], [2.5, 3], [np.nan, np.nan]])
    assert table.features.categorical.tolist() == [["a", "true"], ["b", "false"], ["a", ""]]
    assert table.labels == ("u", "v")
    assert "column 'tags' is left out: it holds List(Int64)" in table.notes[0]


def test_folder_of_json_lines_is_one_table(tmp_path: Path) -> None:
    for part in ("a.jsonl", "b.jsonl"):
        (tmp_path / part).write_bytes(LINES)

    assert len(read_table(tmp_path, "y", Asked(), None).class_index) == 6


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"a":1}\nnot json\n', "line 2 is not JSON: expected an object on each line"),
        (
            b'{"a":1}\n[1]\n',
            "expected an object on each line, or one array of objects, got list in",
        ),
        (b'{"a":1}\n{"a":NaN}\n', "line 2 is not JSON: "),
        (b'{"rows":\n [{"a":1}]}\n', "line 1 is not JSON: expected an object on each line"),
        (b"[1, 2]", "got int in place 1 of the array"),
        (b'[{"a":1}', "is not JSON: "),
        (b"{}\n{}\n", "there is no row"),
        (b'{"a":1}\n{"a":true}\n', "expected values of one kind for each key: cannot parse"),
        (b'{"": 1, "y": "u"}\n', "a key is empty"),
        (b'{"a": "\xff", "y": "u"}\n', "expected UTF-8, got the byte 0xff"),
        (b"", "the file is empty"),
        (b"[" * 100_000, "nested too deep"),
    ],
    ids=lambda value: str(value)[:25],
)
def test_json_that_is_no_table_gets_a_sentence(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "d.json"
    path.write_bytes(content)

    with pytest.raises(TableInvalid) as caught:
        read_table(path, "y", Asked(), None)

    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)
