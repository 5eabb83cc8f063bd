"""A cell means the same in a file that is trained on, in one that is classified, in a request."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.codecs.json_body import parse_object
from service.codecs.json_rows import decode_rows
from service.errors import InvalidInput
from service.inference.features import Features, row_format
from service.model_repository.signature import Signature
from tests.training.conftest import read_features
from training.describe import signature
from training.errors import TableInvalid
from training.preprocess import Learned, learn
from training.tables.kinds import Asked
from training.tables.read import read_table
from training.tables.table import MISSING_TEXTS, Table

_PADS = st.text(
    st.sampled_from(" \t\n\r\x0b\x0c\x1c\x1f\x85\xa0\u1680\u2003\u2028\u200b\u3000\ufeff"),
    max_size=2,
)
_WORDS = st.sampled_from([
    "", *MISSING_TEXTS, "na", "Null", "none", "male", "Male", "true", "True", "FALSE", "1", "1.0",
    "01", "-1", "-1.0", "1.00", "2", '5" pipe', "a,b", "\u00b2",
])  # fmt: skip
_ANYTHING = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
_CELLS = st.tuples(_PADS, _WORDS | _ANYTHING, _PADS).map("".join)


@st.composite
def _columns(draw: st.DrawFn) -> list[str]:
    """A few texts that are frequent enough to be categories, and a few that are not."""
    frequent = draw(st.lists(_CELLS, min_size=2, max_size=4))
    return [*frequent * 5, *draw(st.lists(_CELLS, max_size=4))]


def _write(path: Path, cells: Sequence[str]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["size", "word", "y"])
        writer.writerows((i, cell, "uv"[i % 2]) for i, cell in enumerate(cells))
    return path


def _trained(path: Path) -> tuple[Table, Learned, Signature]:
    table = read_table(path, "y", Asked(categorical=("word",)), ",")
    learned = learn(table.features, table.columns, scaling="robust", bins=0)
    return table, learned, signature(table, learned, 1)


def _requested(cells: Sequence[str], of: Signature) -> Features:
    rows = [{"size": i, "word": cell} for i, cell in enumerate(cells)]
    body = json.dumps({"instances": rows}).encode()
    return decode_rows(parse_object(body), form=row_format(of), row_limit=100)


def _alike(found: Features, expected: Features, learned: Learned) -> bool:
    encoded = [learned.preprocessing.encode(features).encoded for features in (found, expected)]
    return (
        np.array_equal(found.numeric, expected.numeric)
        and found.categorical.tolist() == expected.categorical.tolist()
        and bool((encoded[0] == encoded[1]).all())
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cells=_columns())
def test_cells_of_the_training_file_are_the_same_in_a_request(
    tmp_path: Path, cells: list[str]
) -> None:
    table, learned, learned_signature = _trained(_write(tmp_path / "t.csv", cells))

    requested = _requested(cells, learned_signature)

    assert _alike(requested, table.features, learned)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cells=_columns(), others=st.lists(_CELLS, min_size=1, max_size=8))
def test_cells_of_any_other_file_are_the_same_in_a_request(
    tmp_path: Path, cells: list[str], others: list[str]
) -> None:
    _, learned, learned_signature = _trained(_write(tmp_path / "t.csv", cells))
    new = _write(tmp_path / "new.csv", others)

    try:
        expected = read_features(new, learned_signature, ",")
    except TableInvalid:
        with pytest.raises(InvalidInput, match="do not fit"):
            _requested(others, learned_signature)
    else:
        assert _alike(_requested(others, learned_signature), expected, learned)


def test_text_of_a_parquet_file_is_the_same_in_a_request(tmp_path: Path) -> None:
    cells = [" male", "male ", "NA", "female", "\x1cmale", "null"] * 6
    frame = {"size": range(36), "word": cells, "y": ["u", "v"] * 18}
    pl.DataFrame(frame).write_parquet(tmp_path / "t.parquet")
    table, learned, learned_signature = _trained(tmp_path / "t.parquet")

    requested = _requested(cells, learned_signature)

    assert learned_signature.texts[0].categories == ("\x1cmale", "female", "male")
    assert _alike(requested, table.features, learned)


def test_text_in_a_column_of_numbers_is_missing_in_files_alone(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("size,y\n1,u\n NA,v\n3,u\n")
    table = read_table(path, "y", Asked(), None)
    learned = learn(table.features, table.columns, scaling="robust", bins=0)
    form = row_format(signature(table, learned, 1))

    assert np.isnan(table.features.numeric[1, 0])
    with pytest.raises(InvalidInput) as caught:
        decode_rows({"instances": [{"size": " NA"}]}, form=form, row_limit=1)
    assert caught.value.problems[0].message == (
        'expected a number, got " NA": send null for a missing value'
    )


def test_file_to_classify_is_read_with_the_signs_that_the_table_was_written_with(
    tmp_path: Path,
) -> None:
    path = tmp_path / "t.csv"
    path.write_text('income;y\n"$1.234,5";u\n"$7,25";v\n?;u\n', encoding="utf-8")
    table = read_table(path, "y", Asked(missing=("?",)), None)
    learned = learn(table.features, table.columns, scaling="robust", bins=0)
    of = signature(table, learned, 1)
    others = tmp_path / "others.csv"
    others.write_text("income;y\n$2.000;u\n3,5;v\n?;v\n", encoding="utf-8")

    read = read_features(others, Signature.model_validate_json(of.model_dump_json()), None)

    np.testing.assert_array_equal(read.numeric[:, 0], [2000, 3.5, np.nan])


@given(st.lists(_CELLS, min_size=1, max_size=4), st.lists(_CELLS, max_size=4))
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_folded_categories_are_the_same_in_a_file_and_in_a_request(
    tmp_path: Path, frequent: list[str], others: list[str]
) -> None:
    cells = [spelling for cell in frequent for spelling in (cell, cell.upper(), f" {cell}  x")] * 5
    path = _write(tmp_path / "t.csv", cells)
    table = read_table(path, "y", Asked(folded=("word",)), ",")
    learned = learn(table.features, table.columns, scaling="robust", bins=0)
    learned_signature = signature(table, learned, 1, accept_missing="all")
    new = _write(tmp_path / "new.csv", [*cells, *others])

    requested = _requested([*cells, *others], learned_signature)

    assert _alike(requested, read_features(new, learned_signature, ","), learned)
    categories = learned_signature.texts[0].categories or ()
    assert len({category.casefold() for category in categories}) == len(categories)
