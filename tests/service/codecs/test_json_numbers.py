"""The short way for rows of numbers: as the general decoder, or not at all."""

import json

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.codecs.json_body import parse_object, refuse_unknown_keys
from service.codecs.json_hidden import KEYS
from service.codecs.json_numbers import rows_of_numbers
from service.codecs.json_rows import decode_rows
from service.inference.features import Floats, row_format
from service.model_repository.signature import Feature, Signature

WIDTH, ROW_LIMIT = 2, 4
FORM = row_format(
    Signature(features=(Feature(name="age"), Feature(name="fare")), hidden=("hidden_1",))
)
# Numbers as text, since what json.dumps writes is only a part of what clients send.
NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.integers().map(str),
    st.sampled_from(["-0", "-0.0", "0e0", "1E5", "1e+2", "2.5e-3", "1e39", "-1e39", "1e-46"]),
    st.sampled_from(["1e400", "3.4028235677973366e38", "9223372036854775808", str(2**64)]),
    st.sampled_from(["01", "1.", ".5", "+1", "NaN", "Infinity"]),
)
CELLS = st.recursive(
    NUMBERS | st.sampled_from(["null", "true", "false", '""', '"1"', '"[["', '"}"']),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2).map(lambda cells: f"[{','.join(cells)}]"),
        inner.map(lambda cell: f'{{"age": {cell}}}'),
    ),
    max_leaves=3,
)
PLAIN_ROWS = st.tuples(NUMBERS, NUMBERS).map(lambda cells: f"[{', '.join(cells)}]")
ROWS = PLAIN_ROWS | st.lists(CELLS, max_size=3).map(lambda cells: f"[{', '.join(cells)}]") | CELLS
INSTANCES = st.one_of(
    st.lists(PLAIN_ROWS, max_size=5).map(lambda rows: f"[{','.join(rows)}]"),
    st.lists(ROWS, max_size=5).map(lambda rows: f"[{','.join(rows)}]"),
    CELLS,
)
KEY = st.sampled_from(['"instances"', '"inputs"', '"top_k"', r'"\u0069nstances"', '""'])
BODIES = st.one_of(
    INSTANCES.map(lambda rows: f'{{"instances": {rows}}}'),
    st.lists(st.tuples(KEY, INSTANCES), max_size=3).map(
        lambda pairs: "{" + ", ".join(f"{key}:{value}" for key, value in pairs) + "}"
    ),
    INSTANCES.map(lambda rows: f' \n{{\t"instances" :{rows} }}\r\n'),
    INSTANCES.map(lambda rows: f'{{"instances": {rows}}} x'),
)


def _short(body: str) -> Floats | None:
    return rows_of_numbers(body.encode(), width=WIDTH, row_limit=ROW_LIMIT)


def _general(body: str) -> Floats:
    content = parse_object(body.encode())
    refuse_unknown_keys(content, KEYS)
    return decode_rows(content, form=FORM, row_limit=ROW_LIMIT).numeric


@given(body=BODIES)
@example(body='{"instances": [[1, 2], [3]]}')
@example(body='{"instances": [[1, 2, 3], [4]]}')
@example(body='{"instances": [[1, [2]]]}')
@example(body='{"instances": [[1, {"age": 2}]]}')
@example(body='{"instances": [[1, true]]}')
@example(body='{"instances": [[1, 2]], "instances": [[3, 4]]}')
@example(body='{"instances": [[1, 2], {"age": 1, "fare": 2}]}')
def test_what_the_short_way_takes_the_general_decoder_takes_for_the_same(body: str) -> None:
    found = _short(body)

    if found is not None:
        expected = _general(body)
        assert found.dtype == np.float32
        assert found.shape == expected.shape
        # Bit by bit: -0.0 too.
        assert found.tobytes() == expected.tobytes()


@given(
    rows=st.lists(
        st.lists(
            st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=2, max_size=2
        ),
        min_size=1,
        max_size=ROW_LIMIT,
    )
)
def test_plain_rows_of_numbers_go_the_short_way(rows: list[list[float]]) -> None:
    found = _short(json.dumps({"instances": rows}))

    assert found is not None
    assert np.array_equal(found, np.array(rows, np.float32))


@pytest.mark.parametrize(
    "body",
    [
        '{"instances": [[1, 2], [3]]}',
        '{"instances": [[1, [2]]]}',
        '{"instances": [[1, "2"]]}',
        '{"instances": [[1, null]]}',
        '{"instances": [[1, true]]}',
        '{"instances": [[1, 1e39]]}',
        '{"instances": [[1, 2]], "top_k": 1}',
        '{"instances": [[1,2],[1,2],[1,2],[1,2],[1,2]]}',
        '{"instances": [[1, 2]]',
        "",
    ],
)
def test_whatever_else_is_left_to_the_general_decoder(body: str) -> None:
    assert _short(body) is None


def test_long_body_after_a_short_one_and_back_keeps_both_right() -> None:
    long = [[float(i), -float(i)] for i in range(100_000)]
    text = json.dumps({"instances": long})

    found = rows_of_numbers(text.encode(), width=2, row_limit=len(long))
    again = _short('{"instances": [[1, 2]]}')

    assert found is not None
    assert again is not None
    assert np.array_equal(found, np.array(long, np.float32))
    assert np.array_equal(again, np.array([[1, 2]], np.float32))
