"""JSON bodies as Python values."""

import math

import pytest

from service.codecs.json_body import (
    are_numbers,
    describe,
    is_number,
    parse_object,
    refuse_unknown_keys,
)
from service.errors import InvalidInput, MalformedBody


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
