"""Pieces of JSON text: usual numbers, numbers at an edge, and what only looks like a number."""

import json
import math
import struct
from random import Random

USUAL = (*map(str, range(17)), "0.5", "-1.25", "1e2", "3.14159", "39.1", "181", "3750.0", "2007")
# JSON's numbers, each near a bound of float32, float64, int64, uint64 or of a parser.
EDGES = (
    *("-0", "-0.0", "0e0", "0E-5", "1E+2", "5e-324", "2e-324", "1e-400", "1e-46", "1.4e-45"),
    *("1e39", "-1e39", "3.4028234663852886e38", "3.4028235677973366e38", "1e400", "-1e400"),
    *("1.7976931348623157e308", "1.7976931348623159e308", "2.2250738585072011e-308"),
    *("9007199254740993", "9223372036854775807", "9223372036854775808", "-9223372036854775808"),
    *("-9223372036854775809", "18446744073709551615", "18446744073709551616", "1" * 400),
    *("0." + "123456789" * 40, "1" + "0" * 308, "1" + "0" * 309, "1e" + "0" * 50 + "1"),
)
NO_JSON = (
    *("NaN", "Infinity", "-Infinity", "01", "-01", "1.", ".5", "+1", "1e", "1e+", "-", "--1"),
    *("0x10", "1_000", "nul", "True", "'a'", "", "1 2", '"', r'"\x41"', r'"\u12"', '"\t"'),
)
OTHERS = (
    *("null", "true", "false", '""', '"1"', '"[["', r'"\""', "[]", "{}", "[1]", "[[1, 2]]"),
    *('{"a": 1}', r'"\ud800"', r'"\udc00\ud800"', r'"\ud83d\ude00"', '"\u00e9\U0001f600"'),
    *(r'"\u0000"', '"1e400"', "[1e400]"),
)
BLANKS = (" ", "\t", "\n", "\r\n", "  ")


def usual_number(rng: Random) -> str:
    """A number that a client would write."""
    return rng.choice(USUAL) if rng.random() < 0.8 else repr(rng.uniform(-1e4, 1e4))


def edge_number(rng: Random) -> str:
    """One of JSON's numbers that a parser may get wrong."""
    kind = rng.random()
    if kind < 0.6:
        return rng.choice(EDGES)
    if kind < 0.8:
        (number,) = struct.unpack("<d", rng.randbytes(8))
        return repr(number) if math.isfinite(number) else "0"
    digits = str(rng.getrandbits(rng.randrange(1, 200)))
    return f"{digits}.{rng.getrandbits(64)}e{rng.randrange(-400, 300)}"


def text(rng: Random, known: tuple[str, ...]) -> str:
    """A category as a client may write it: known or not, escaped, blanks around it."""
    chosen = rng.choice(known) if rng.random() < 0.8 else rng.choice(("Skye", "\u00e9t\u00e9", "x"))
    if rng.random() < 0.2:
        chosen = f"{rng.choice(BLANKS)}{chosen}{rng.choice(BLANKS)}"
    return json.dumps(chosen, ensure_ascii=rng.random() < 0.5)


def escaped(key: str, rng: Random) -> str:
    """A key in quotes with one character as an escape: the same key."""
    at = rng.randrange(len(key))
    return f'"{key[:at]}\\u{ord(key[at]):04x}{key[at + 1 :]}"'
