"""Dates in the rows of a request: ISO text, told by row and feature where they are none."""

from typing import Any

import numpy as np
import orjson
import pytest

from service.codecs.json_predict import decode_predict
from service.codecs.json_rows import decode_rows
from service.errors import InvalidInput, Problem
from service.inference.features import Features, from_cells, row_format
from service.inference.unusual import Usual
from service.model_repository.layout import PublishedVersion
from service.model_repository.signature import Cell, Feature, Signature

SIGNATURE = Signature(
    features=(
        Feature(name="age"),
        Feature(name="joined", dtype="date", minimum=19000.5, maximum=19874),
        Feature(name="town", dtype="string", categories=("Bonn",)),
        Feature(name="left", dtype="date", date_form="dd/mm/yyyy", accepts_missing=True),
    ),
    missing_texts=("NA",),
    trims_text=True,
    hidden=("hidden_1",),
)
FORM = row_format(SIGNATURE)
DATES_ALONE = row_format(
    Signature(features=(Feature(name="on", dtype="date"),), hidden=("hidden_1",))
)
ROW = {"age": 30, "joined": "2024-05-31", "town": "Bonn", "left": "2024-06-01T12:00"}


def _decode(**content: Any) -> Features:
    return decode_rows(content, form=FORM, row_limit=50)


def _problems(**changes: Any) -> tuple[Problem, ...]:
    with pytest.raises(InvalidInput) as caught:
        _decode(instances=[ROW, ROW | changes])
    return caught.value.problems


def test_dates_stand_among_the_numbers_as_days_in_each_form_of_rows() -> None:
    forms = (
        {"instances": [ROW]},
        {"instances": [list(ROW.values())]},
        {"inputs": {name: [cell] for name, cell in ROW.items()}},
    )

    for form in forms:
        found = _decode(**form)
        assert found.numeric.tolist() == [[30, 19874, 19875.5]]
        assert found.categorical.tolist() == [["Bonn"]]


def test_golden_rows_are_read_as_requests_are() -> None:
    cells: list[list[Cell]] = [
        [30, "2024-05-31", "Bonn", None],
        [31, "2023-01-01T12:00", "Ulm", "NA"],
    ]

    found, expected = from_cells(cells, FORM), _decode(instances=cells)

    np.testing.assert_array_equal(found.numeric, expected.numeric)
    assert np.isnan(found.numeric[:, 2]).all()


@pytest.mark.parametrize("gap", [None, "", " NA "])
def test_missing_date_is_a_gap_where_there_may_be_one(gap: str | None) -> None:
    assert np.isnan(_decode(instances=[ROW | {"left": gap}]).numeric[0, 2])
    assert np.isnan(
        _decode(instances=[{k: v for k, v in ROW.items() if k != "left"}]).numeric[0, 2]
    )


@pytest.mark.parametrize(
    ("cell", "got"),
    [
        ("31/05/2024", '"31/05/2024"'),
        ("2024-02-30", '"2024-02-30"'),
        (19874, "19874"),
        (True, "true"),
        ([], "a list of 0"),
    ],
)
def test_what_is_no_date_is_told_with_its_row_and_feature(cell: object, got: str) -> None:
    for feature in ("joined", "left"):
        expected = f"expected a date such as 2024-05-31, got {got}"
        assert _problems(**{feature: cell}) == (Problem(expected, 1, feature),)


@pytest.mark.parametrize(("cell", "got"), [(None, "null"), ("NA", '"NA"')])
def test_gap_where_none_may_be_is_told_with_the_reason(cell: object, got: str) -> None:
    expected = f"expected a date such as 2024-05-31, got {got}: no training row had a gap here"
    assert _problems(joined=cell) == (Problem(expected, 1, "joined"),)


def test_absent_date_is_told_once() -> None:
    with pytest.raises(InvalidInput) as caught:
        _decode(instances=[{k: v for k, v in ROW.items() if k != "joined"}])

    message = "the feature is missing: no training row had a gap here"
    assert caught.value.problems == (Problem(message, 0, "joined"),)


def test_model_of_dates_alone_takes_no_numbers(digits: PublishedVersion) -> None:
    body = orjson.dumps({"instances": [[5.0]]})

    with pytest.raises(InvalidInput) as caught:
        decode_predict(body, form=DATES_ALONE, manifest=digits.manifest, row_limit=5)

    assert caught.value.problems[0].message == "expected a date such as 2024-05-31, got 5.0"


def test_date_outside_the_training_range_is_unusual_and_told_as_a_date() -> None:
    usual = Usual(SIGNATURE)
    rows = _decode(instances=[ROW | {"joined": "2024-06-02"}, ROW | {"joined": "1999-01-01"}, ROW])
    counts = usual.no_counts()

    usual.count(rows, counts)

    assert ("joined", "out_of_range", 2) in set(usual.named(counts))
    first = usual.warnings(rows)[0].listed[0]
    span = "the training range 2022-01-08T12:00 to 2024-05-31"
    assert first == {"feature": "joined", "message": f"above {span}"}
