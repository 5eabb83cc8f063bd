"""Rows in their three forms, and every way in which they can be wrong."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.codecs.json_body import parse_object
from service.codecs.json_rows import decode_rows
from service.errors import InvalidInput, Problem, TooManyRows
from service.inference.features import Features, RowFormat, row_format
from service.model_repository.signature import Feature, NumberFormat, Signature

NUMBERS = row_format(
    Signature(features=(Feature(name="age"), Feature(name="fare")), hidden=("hidden_1",))
)
MIXED = row_format(
    Signature(
        features=(
            Feature(name="sex", dtype="string"),
            Feature(name="age"),
            Feature(name="town", dtype="string"),
        ),
        accepts_missing=True,
        hidden=("hidden_1",),
    )
)
FLOAT32 = st.floats(width=32, allow_nan=False, allow_infinity=False)
ROWS = st.lists(st.tuples(FLOAT32, FLOAT32), max_size=8)


def _decode_into(form: RowFormat, content: dict[str, Any], row_limit: int = 50) -> Features:
    body = json.dumps(content).encode()
    return decode_rows(parse_object(body), form=form, row_limit=row_limit)


def _decode(content: dict[str, Any], row_limit: int = 50) -> np.ndarray:
    return _decode_into(NUMBERS, content, row_limit).numeric


def _problems(content: dict[str, Any], form: RowFormat = NUMBERS) -> tuple[Problem, ...]:
    with pytest.raises(InvalidInput) as caught:
        _decode_into(form, content)
    return caught.value.problems


@given(rows=ROWS)
def test_lists_objects_and_columns_of_the_same_numbers_decode_alike(
    rows: list[tuple[float, float]],
) -> None:
    lists = {"instances": [list(row) for row in rows]}
    objects = {"instances": [{"fare": fare, "age": age} for age, fare in rows]}
    columns = {"inputs": {"fare": [r[1] for r in rows], "age": [r[0] for r in rows]}}

    decoded = [_decode(content) for content in (lists, objects, columns)]

    expected = np.array(rows, dtype=np.float32).reshape(-1, 2)
    assert all(np.array_equal(d, expected) and d.dtype == np.float32 for d in decoded)


@given(
    cell=st.recursive(
        # JSON has no NaN; 1e400 is read as infinity.
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=5,
    )
)
def test_any_json_is_decoded_or_refused_and_never_fails(cell: object) -> None:
    contents: list[dict[str, Any]] = [
        {"instances": [[cell, 1]]},
        {"instances": [{"age": cell, "fare": 1}]},
        {"instances": cell},
        {"instances": [cell]},
        {"inputs": cell},
        {"inputs": {"age": [cell], "fare": [1]}},
        {"inputs": {"age": cell, "fare": [1]}},
    ]

    for content in contents:
        try:
            features = decode_rows(content, form=NUMBERS, row_limit=50)
        except InvalidInput:
            continue
        assert features.numeric.shape[1] == 2
        assert np.isfinite(features.numeric).all()


def test_lists_and_objects_may_be_mixed() -> None:
    features = _decode({"instances": [[1, 2], {"age": 3, "fare": 4}]})

    assert features.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize("content", [{}, {"instances": [], "inputs": {}}], ids=["none", "both"])
def test_exactly_one_form_is_expected(content: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="exactly one of the keys"):
        _decode(content)


@pytest.mark.parametrize(
    ("cell", "came"),
    [
        ("abc", '"abc"'),
        ("5", '"5": send it without quotes'),
        ("", '""'),
        (None, "null: no training row had a gap here"),
        (True, "true"),
        ([1], "a list of 1"),
        ({}, "an object"),
    ],
    ids=str,
)
def test_cell_that_is_no_number_is_named_by_row_and_feature(cell: object, came: str) -> None:
    expected = (Problem(f"expected a number, got {came}", row=1, feature="fare"),)

    assert _problems({"instances": [[1, 2], [3, cell]]}) == expected
    assert _problems({"instances": [[1, 2], {"age": 3, "fare": cell}]}) == expected
    assert _problems({"inputs": {"age": [1, 3], "fare": [2, cell]}}) == expected


def test_row_of_another_width_is_named() -> None:
    problems = _problems({"instances": [[1, 2], [1], [1, 2, 3]]})

    assert problems == (
        Problem("expected 2 features, got 1", row=1),
        Problem("expected 2 features, got 3", row=2),
    )


def test_missing_and_unknown_features_of_a_row_are_named() -> None:
    problems = _problems({"instances": [{"age": 1, "far": 2}]})

    assert problems == (
        Problem("the feature is missing: no training row had a gap here", row=0, feature="fare"),
        Problem('unknown feature "far"; did you mean "fare"?', row=0),
    )


def test_missing_and_unknown_columns_are_named() -> None:
    problems = _problems({"inputs": {"age": [1], "far": [2]}})

    assert problems == (
        Problem("the feature is missing: no training row had a gap here", feature="fare"),
        Problem('unknown feature "far"; did you mean "fare"?'),
    )


def test_columns_of_unequal_length_are_refused() -> None:
    problems = _problems({"inputs": {"age": [1, 2], "fare": [3]}})

    assert problems == (Problem("expected 2 rows as in the first column, got 1", feature="fare"),)


@pytest.mark.parametrize("cell", ["1e39", "-1e300", str(2**200), "1e400"])
def test_number_beyond_float32_is_refused(cell: str) -> None:
    body = f'{{"instances": [[1, 2], [{cell}, 3]]}}'.encode()

    with pytest.raises(InvalidInput) as caught:
        decode_rows(parse_object(body), form=NUMBERS, row_limit=50)

    (problem,) = caught.value.problems
    assert (problem.row, problem.feature) == (1, "age")
    assert problem.message.startswith("expected a number within float32, got ")


def test_first_20_problems_are_listed_and_all_are_counted() -> None:
    with pytest.raises(InvalidInput) as caught:
        _decode({"instances": [["x", 1]] * 45})

    assert len(caught.value.problems) == 20
    assert caught.value.total == 45


def test_rows_beyond_the_limit_are_refused_with_the_limit() -> None:
    with pytest.raises(TooManyRows, match="expected at most 3 rows in a request, got 4"):
        _decode({"instances": [[1, 2]] * 4}, row_limit=3)
    with pytest.raises(TooManyRows, match="expected at most 3 rows"):
        _decode({"inputs": {"age": [1] * 4, "fare": [1] * 4}}, row_limit=3)


CELLS = st.tuples(st.text() | st.none(), FLOAT32 | st.none(), st.text() | st.none())


@given(rows=st.lists(CELLS, min_size=1, max_size=8))
def test_three_forms_of_the_same_mixed_rows_decode_alike(
    rows: list[tuple[str | None, float | None, str | None]],
) -> None:
    names = ("sex", "age", "town")
    lists = {"instances": [list(row) for row in rows]}
    objects = {"instances": [dict(zip(names, row, strict=True)) for row in rows]}
    columns = {"inputs": {name: [row[i] for row in rows] for i, name in enumerate(names)}}
    absent = {
        "instances": [
            {name: cell for name, cell in zip(names, row, strict=True) if cell is not None}
            for row in rows
        ]
    }

    decoded = [_decode_into(MIXED, content) for content in (lists, objects, columns, absent)]

    numbers = [[np.nan if row[1] is None else row[1]] for row in rows]
    for features in decoded:
        np.testing.assert_array_equal(features.numeric, np.array(numbers, dtype=np.float32))
        assert features.categorical.tolist() == [[row[0] or "", row[2] or ""] for row in rows]


@pytest.mark.parametrize(
    ("cell", "came"),
    [
        (5, "5: send it in quotes"),
        (True, "true: send it in quotes"),
        (["a"], "a list of 1"),
        ({}, "an object"),
    ],
    ids=str,
)
def test_cell_that_is_no_string_is_named_by_row_and_feature(cell: object, came: str) -> None:
    expected = (Problem(f"expected a string, got {came}", row=1, feature="town"),)
    good = {"sex": ["m", "f"], "age": [1, None]}

    assert _problems({"instances": [["m", 1, "Ulm"], ["f", None, cell]]}, MIXED) == expected
    assert _problems({"instances": [{}, {"town": cell}]}, MIXED) == expected
    assert _problems({"inputs": {**good, "town": ["Ulm", cell]}}, MIXED) == expected


@pytest.mark.parametrize(
    ("written", "to_send"),
    [
        (NumberFormat(currency="$", separators=True), '1234.5, where the table has "$1,234.50"'),
        (NumberFormat(decimal=",", separators=True), '1234.5, where the table has "1.234,50"'),
        (NumberFormat(percent=True), '12.5, where the table has "12.5 %"'),
    ],
    ids=["dollars", "decimal comma", "percent"],
)
def test_text_of_the_table_in_the_place_of_a_number_is_told_what_to_send(
    written: NumberFormat, to_send: str
) -> None:
    feature = Feature(name="income", written=written)
    form = row_format(Signature(features=(feature,), hidden=("hidden_1",)))

    told = _problems({"instances": [{"income": "$5"}]}, form)[0].message

    assert told == f'expected a number such as {to_send}, got "$5"'


def test_string_in_the_place_of_a_number_is_named() -> None:
    expected = (Problem('expected a number, got "old"', row=0, feature="age"),)

    assert _problems({"instances": [["m", "old", "Ulm"]]}, MIXED) == expected


def test_missing_columns_of_a_mixed_table_are_gaps() -> None:
    features = _decode_into(MIXED, {"inputs": {"town": ["Ulm", "Bonn"]}})

    assert np.isnan(features.numeric).all()
    assert features.categorical.tolist() == [["", "Ulm"], ["", "Bonn"]]


def test_columns_without_a_column_are_refused() -> None:
    with pytest.raises(InvalidInput, match="expected at least one column"):
        _decode_into(MIXED, {"inputs": {}})


def test_feature_that_is_not_used_may_be_absent() -> None:
    form = row_format(
        Signature(
            features=(Feature(name="a"), Feature(name="flat", unused="constant")),
            hidden=("hidden_1",),
        )
    )

    assert _decode_into(form, {"instances": [{"a": 1}]}).numeric[0, 0] == 1
    assert _decode_into(form, {"inputs": {"a": [1]}}).numeric[0, 0] == 1
    assert _problems({"instances": [{"flat": 1}]}, form) == (
        Problem("the feature is missing: no training row had a gap here", row=0, feature="a"),
    )


def test_column_that_training_left_out_may_be_there_and_is_not_looked_at() -> None:
    form = row_format(
        Signature(features=(Feature(name="a"),), left_out=("id",), hidden=("hidden_1",))
    )

    assert _decode_into(form, {"instances": [{"a": 1, "id": [None]}]}).numeric.tolist() == [[1]]
    assert _decode_into(form, {"inputs": {"a": [1], "id": 5}}).numeric.tolist() == [[1]]
    assert _problems({"instances": [{"a": 1, "ID": 2}]}, form) == (
        Problem('unknown feature "ID"', row=0),
    )


def test_json_booleans_stand_for_categories_that_say_so() -> None:
    form = row_format(
        Signature(
            features=(Feature(name="member", dtype="string", categories=("False", "True")),),
            accepts_missing=True,
            hidden=("hidden_1",),
        )
    )

    features = _decode_into(form, {"instances": [[True], [False], ["True"], [None]]})

    assert features.categorical[:, 0].tolist() == ["True", "False", "True", ""]


def test_text_is_read_as_files_are_read_in_every_form() -> None:
    form = row_format(
        Signature(
            features=(
                Feature(name="sex", dtype="string", categories=("male",)),
                Feature(name="age"),
            ),
            accepts_missing=True,
            trims_text=True,
            missing_texts=("", "NA"),
            hidden=("hidden_1",),
        )
    )
    contents: tuple[dict[str, Any], ...] = (
        {"instances": [[" male", 1], ["NA ", 2]]},
        {"instances": [{"sex": "male\n", "age": 1}, {"age": 2}]},
        {"inputs": {"sex": ["\tmale", " "], "age": [1, 2]}},
    )

    for content in contents:
        features = _decode_into(form, content)
        assert features.categorical.tolist() == [["male"], [""]]
        assert features.numeric.tolist() == [[1], [2]]
    assert _problems({"instances": [["male", "NA"]]}, form) == (
        Problem('expected a number, got "NA": send null for a missing value', row=0, feature="age"),
    )


def _with_gaps_in(*names: str) -> RowFormat:
    features = (
        Feature(name="age", missing=0.1, accepts_missing="age" in names),
        Feature(name="fare", accepts_missing="fare" in names),
        Feature(name="sex", dtype="string", accepts_missing="sex" in names),
    )
    signature = Signature(
        features=features,
        accepts_missing=True,
        trims_text=True,
        missing_texts=("NA",),
        hidden=("hidden_1",),
    )
    return row_format(signature)


def test_row_that_is_not_there_is_refused_feature_by_feature() -> None:
    form = _with_gaps_in("age")
    lacks = "the feature is missing: no training row had a gap here"

    assert _problems({"instances": [{}]}, form) == (
        Problem(lacks, row=0, feature="fare"),
        Problem(lacks, row=0, feature="sex"),
    )
    assert _problems({"inputs": {"age": [1]}}, form) == (
        Problem(lacks, feature="fare"),
        Problem(lacks, feature="sex"),
    )


def test_null_is_refused_where_no_training_row_had_a_gap() -> None:
    form, why = _with_gaps_in("age"), "no training row had a gap here"

    assert _problems({"instances": [[None, None, None]]}, form) == (
        Problem(f"expected a number, got null: {why}", row=0, feature="fare"),
        Problem(f"expected a string, got null: {why}", row=0, feature="sex"),
    )
    assert np.isnan(_decode_into(form, {"instances": [[None, 1, "m"]]}).numeric[0, 0])
    assert np.isnan(_decode_into(form, {"instances": [{"fare": 1, "sex": "m"}]}).numeric[0, 0])


def test_text_that_says_that_it_is_missing_is_refused_where_null_is() -> None:
    rows = {"instances": [[1, 1, "m"], [1, 1, " NA"], [1, 1, ""]]}

    assert _problems(rows, _with_gaps_in("age")) == tuple(
        Problem(
            f"expected a text, got {cell}, which is missing: no training row had a gap here",
            row=row,
            feature="sex",
        )
        for row, cell in ((1, '" NA"'), (2, '""'))
    )
    assert _decode_into(_with_gaps_in("sex"), rows).categorical[:, 0].tolist() == ["m", "", ""]


def test_version_that_takes_no_gaps_says_so_where_training_rows_had_some() -> None:
    assert _problems({"instances": [[None, 1, "m"]]}, _with_gaps_in()) == (
        Problem(
            "expected a number, got null: this version was exported to take no gaps",
            row=0,
            feature="age",
        ),
    )


def test_null_may_stand_in_the_place_of_a_feature_that_is_not_used() -> None:
    form = row_format(
        Signature(
            features=(Feature(name="a"), Feature(name="flat", unused="constant")),
            hidden=("hidden_1",),
        )
    )

    assert _decode_into(form, {"instances": [[1, None]]}).numeric[0, 0] == 1
