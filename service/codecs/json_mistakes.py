"""What is wrong with text that is almost JSON, in words of whoever wrote it."""

import re

import orjson

# So much of the text tells what it is.
_SHOWN = 40
# To search a longer body takes others' time: what is wrong with it is most often wrong early.
_SEARCHED_BYTES = 256 * 1024
_JSONS_WORD = {"None": "null", "True": "true", "False": "false"}
_BARE_NAME = (
    'JSON has names in double quotes, "{}", and a shell takes them away: put the body between '
    "single quotes, or in a file (curl --data @body.json)"
)
_MISTAKES = tuple(
    (re.compile(pattern), said)
    for pattern, said in (
        ("-?(?:NaN|nan|NA|undefined)\\b", "{} is no JSON: send null for a missing value"),
        (
            "[-+]?(?:Infinity|Inf|inf)\\b",
            "{} is no JSON: send a number within float64, or null for a missing value",
        ),
        ("None\\b|True\\b|False\\b", "{} is Python's: JSON has {word}, and json.dumps writes it"),
        ("'", "JSON has double quotes, not single ones: in Python, json.dumps writes it"),
        ("//|/\\*|#", "JSON has no comments"),
        ("[+.][0-9]", "JSON has no number that begins with a point or a plus: send 0.5 for .5"),
        ("[A-Za-z_]\\w*(?=\\s*:)", _BARE_NAME),
        ("[A-Za-z_]\\w*(?=\\s*[,\\]}])", 'JSON has text in double quotes: expected "{}"'),
    )
)
# Outside of strings no JSON holds these.
_NEVER = re.compile(rb"""(?:[^"A-Z'/#]++|E|"(?:[^"\\]++|\\.)*+")*+""")


def explain(error: orjson.JSONDecodeError) -> str:
    """What was found in place of JSON, and where."""
    if not error.doc:
        return "the body is not JSON: expected UTF-8"
    place = f"line {error.lineno} column {error.colno}"
    if "unexpected end" in error.msg:
        return f"the JSON is not complete: a bracket or a quote is open at its end ({place})"
    if "trailing comma" in error.msg:
        return f"JSON has no comma before a closing bracket ({place})"
    said = _said(error.doc[error.pos : error.pos + _SHOWN])
    return f"{said} ({place})" if said else f"the body is not JSON: {error}"


def explain_early(body: bytes) -> str | None:
    """What a long body holds that no JSON does, and where; None where that is not seen at once."""
    searched = body[:_SEARCHED_BYTES]
    odd = _NEVER.match(searched)
    assert odd is not None
    end = odd.end()
    said = _said(searched[end : end + _SHOWN].decode(errors="replace"))
    if not said:
        return None
    line = searched.count(b"\n", 0, end) + 1
    column = len(searched[searched.rfind(b"\n", 0, end) + 1 : end].decode(errors="replace")) + 1
    return f"{said} (line {line} column {column})"


def _said(found: str) -> str | None:
    for pattern, said in _MISTAKES:
        if mistake := pattern.match(found):
            return said.format(mistake[0], word=_JSONS_WORD.get(mistake[0]))
    return None
