"""JSON bodies as Python values."""

import math
from collections.abc import Iterable

import pytest

from service.codecs import json_body
from service.codecs.json_body import (
    Problems,
    are_numbers,
    describe,
    is_number,
    parse_object,
    refuse_unknown_keys,
)
from service.errors import InvalidInput, MalformedBody
from service.nearest import did_you_mean


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b'{"a": NaN}', b'{"a": Infinity}', b"{'a': 1}", b'{"a": 1,}', b"\xff", b"\x00"],
    ids=repr,
)
def test_body_that_is_not_json_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedBody):
        parse_object(body)


def test_number_beyond_float64_is_json() -> None:
    body = b'{"a": [1e400, -1e400, ' + b"9" * 5000 + b"]}"

    assert parse_object(body) == {"a": [math.inf, -math.inf, math.inf]}


def test_number_beyond_float64_changes_no_other_value() -> None:
    rest = b'"b": [3, -0, 1e5, 18446744073709551615, 18446744073709551616, "1e400", true, null]}'

    found = parse_object(b'{"a": 1e400, ' + rest)

    assert found.pop("a") == math.inf
    assert repr(found) == repr(parse_object(b"{" + rest))


def test_of_a_key_that_comes_twice_the_last_value_counts() -> None:
    assert parse_object(b'{"a": 1, "a": 2}') == parse_object(b'{"a": 1e400, "a": 2}') == {"a": 2}


def test_number_beyond_float64_in_a_long_body_is_refused_by_its_place() -> None:
    body = b'{"a": 1e400, "b": "' + b"x" * 300_000 + b'"}'

    with pytest.raises(InvalidInput, match=r"within float64, got a larger one at .*\(char 6\)"):
        parse_object(body)


@pytest.mark.parametrize(
    "body",
    [
        b"[1e400",
        b"[1e400, NaN]",
        b"[1e400, " + b"[" * 99_999,
        b"[1e400, " + b"[" * 1000 + b"]" * 1000 + b"]",
        b'[1e400, "\\ud800"]',
        b'{"\\ud800": 1e400}',
        b'[1e400, "\xed\xa0\x80"]',
        b'[1e400, "\n"]',
        b"\xef\xbb\xbf[1e400]",
        "[1e400]".encode("utf-16"),
        b"[1e400.5]",
        b"[01e400]",
        b"[1e400-1]",
    ],
    ids=lambda body: repr(body[:30]),
)
def test_number_beyond_float64_excuses_nothing_else(body: bytes) -> None:
    with pytest.raises(MalformedBody):
        parse_object(body)


def test_nesting_without_end_is_malformed_and_harmless() -> None:
    with pytest.raises(MalformedBody, match="the body is not JSON"):
        parse_object(b"[" * 100_000)


@pytest.mark.parametrize(
    ("body", "came"), [(b"[]", "a list of 0"), (b"3", "3"), (b"null", "null"), (b'"x"', '"x"')]
)
def test_json_that_is_no_object_does_not_fit(body: bytes, came: str) -> None:
    with pytest.raises(InvalidInput, match=f"expected a JSON object, got {came}"):
        parse_object(body)


@pytest.mark.parametrize("body", [b"", b" \n"], ids=repr)
def test_empty_body_is_told_what_to_send(body: bytes) -> None:
    with pytest.raises(MalformedBody, match=r'^the body is empty: expected \{"x": \[...\]\}$'):
        parse_object(body, '{"x": [...]}')


def test_lone_key_of_another_name_was_meant_for_the_needed_one() -> None:
    with pytest.raises(InvalidInput) as caught:
        refuse_unknown_keys(["rows"], ("x", "y"), ("x",))

    assert [problem.message for problem in caught.value.problems] == [
        'unknown key "rows"; did you mean "x"?'
    ]


def test_of_many_unknown_names_few_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[str] = []

    def counted(name: str, known: Iterable[str]) -> str:
        compared.append(name)
        return did_you_mean(name, known)

    monkeypatch.setattr(json_body, "did_you_mean", counted)

    with pytest.raises(InvalidInput) as caught:
        refuse_unknown_keys([f"a{number}" for number in range(1000)], ("a",))

    assert caught.value.total == 1000
    assert len(compared) == 3


def test_name_that_is_wrong_in_every_row_is_explained_in_every_row() -> None:
    problems = Problems()
    for row in range(5):
        problems.add_unknown("feature", "agge", ["age"], row=row)

    with pytest.raises(InvalidInput) as caught:
        problems.raise_any("wrong")
    assert {problem.message for problem in caught.value.problems} == {
        'unknown feature "agge"; did you mean "age"?'
    }


def test_unknown_keys_are_named() -> None:
    with pytest.raises(InvalidInput, match="expected only the keys a, b") as caught:
        refuse_unknown_keys(["a", "c"], ("a", "b"))

    assert [problem.message for problem in caught.value.problems] == ['unknown key "c"']


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("abc", '"abc"'),
        ("x" * 100, '"' + "x" * 32 + '..."'),
        (True, "true"),
        (None, "null"),
        (1.5, "1.5"),
        ([1, 2], "a list of 2"),
        ({"secret": 1}, "an object"),
    ],
    ids=lambda value: str(value)[:10],
)
def test_values_are_described_briefly(value: object, expected: str) -> None:
    assert describe(value) == expected


def test_only_numbers_are_numbers() -> None:
    assert is_number(1)
    assert is_number(1.5)
    assert not any(map(is_number, (True, "1", None, [1], {})))


@pytest.mark.parametrize(
    ("values", "expected"), [([], True), ([1, 2.5], True), ([1, True], False), ([1, None], False)]
)
def test_numbers_are_told_from_other_values_at_once(values: list[object], expected: bool) -> None:
    assert are_numbers(values) is expected
