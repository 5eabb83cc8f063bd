"""Text that is almost JSON is told as what it is."""

import orjson
import pytest

from service.codecs.json_body import parse_object
from service.codecs.json_mistakes import explain_early
from service.errors import MalformedBody

NAN = "NaN is no JSON: send null for a missing value (line 1 column 18)"
NONE = "None is Python's: JSON has null, and json.dumps writes it (line 1 column 18)"
QUOTES = (
    "JSON has double quotes, not single ones: in Python, json.dumps writes it (line 1 column 2)"
)
MISTAKES = {
    '{"instances": [[ NaN]]}': NAN,
    '{"instances": [[ nan]]}': NAN.replace("NaN", "nan"),
    '{"instances": [[-Infinity]]}': (
        "Infinity is no JSON: send a number within float64, or null for a missing value "
        "(line 1 column 18)"
    ),
    '{"instances": [[ None]]}': NONE,
    '{"instances": [[\n True]]}': (
        "True is Python's: JSON has true, and json.dumps writes it (line 2 column 2)"
    ),
    "{'instances': [[1]]}": QUOTES,
    '{"instances": [[1],]}': ("JSON has no comma before a closing bracket (line 1 column 19)"),
    '{"instances": [[1]] // rows\n}': "JSON has no comments (line 1 column 21)",
    '{"instances": [[ .5]]}': (
        "JSON has no number that begins with a point or a plus: send 0.5 for .5 (line 1 column 18)"
    ),
    "{instances: [[1]]}": (
        'JSON has names in double quotes, "instances", and a shell takes them away: put the body '
        "between single quotes, or in a file (curl --data @body.json) (line 1 column 2)"
    ),
    '{"instances": [[ Biscoe]]}': (
        'JSON has text in double quotes: expected "Biscoe" (line 1 column 18)'
    ),
    '{"instances": [[1]': (
        "the JSON is not complete: a bracket or a quote is open at its end (line 1 column 19)"
    ),
}


@pytest.mark.parametrize("body", MISTAKES)
def test_mistake_is_told_as_what_it_is(body: str) -> None:
    with pytest.raises(MalformedBody) as caught:
        parse_object(body.encode())

    assert str(caught.value) == MISTAKES[body]


def test_other_bytes_than_utf_8_are_told() -> None:
    with pytest.raises(MalformedBody, match="JSON: expected UTF-8"):
        parse_object('{"instances": []}'.encode("utf-16"))


@pytest.mark.parametrize("body", ['{"instances": [[ NaN]]}', "{'instances': [[1]]}"])
def test_long_body_is_told_the_same_where_it_is_seen_early(body: str) -> None:
    assert explain_early(body.encode()) == MISTAKES[body]


def test_what_text_holds_is_no_mistake() -> None:
    body = orjson.dumps({"instances": ["NaN", "it's", 'a "None" // #', {"é": 1e300}]})

    assert explain_early(body) is None
    assert explain_early(b" " * 300_000 + b"NaN") is None
