"""Long bodies are measured before they are decoded: as the plain decoders, or not at all."""

import json
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.api.problems import status_of
from service.codecs import json_activation, json_hidden, json_predict, json_size
from service.codecs.json_activation import decode_evaluate
from service.codecs.json_hidden import decode_hidden
from service.codecs.json_predict import decode_predict
from service.errors import ServiceError
from service.inference.features import RowFormat, row_format
from service.model_repository.layout import PublishedVersion
from service.model_repository.signature import Feature, Signature

WIDTH, ROW_LIMIT = 2, 6
NUMBERS = row_format(
    Signature(features=(Feature(name="age"), Feature(name="fare")), hidden=("hidden_1",))
)
MIXED = row_format(
    Signature(
        features=(Feature(name="age"), Feature(name="fare", dtype="string")), hidden=("hidden_1",)
    )
)
LONG_BYTES = 16 * 1024 * 1024

LEAVES = st.sampled_from([1, 1.5, None, True, "", "a,[{", 2**70])
CELLS = LEAVES | st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=8)
        | st.dictionaries(st.sampled_from(["age", "fare", *"abcdefgh"]), inner, max_size=8)
    ),
    max_leaves=20,
)
NAMES = st.sampled_from(["age", "fare", "x", "y", "z"])
ROWS = st.one_of(
    st.lists(LEAVES, min_size=WIDTH, max_size=WIDTH),
    st.lists(CELLS, max_size=9),
    st.fixed_dictionaries({"age": CELLS, "fare": CELLS}),
    st.dictionaries(NAMES, CELLS, max_size=5),
    CELLS,
)
INSTANCES = st.lists(ROWS, max_size=8) | CELLS
COLUMNS = st.one_of(
    st.fixed_dictionaries({"age": st.lists(CELLS, max_size=8), "fare": st.lists(CELLS)}),
    st.dictionaries(NAMES, st.lists(CELLS, max_size=8) | CELLS, max_size=5),
    CELLS,
)
CONTENTS = st.one_of(
    st.fixed_dictionaries({"instances": INSTANCES}, optional={"top_k": CELLS}),
    st.fixed_dictionaries({"inputs": COLUMNS}, optional={"coverage": CELLS}),
    st.dictionaries(st.sampled_from(["instances", "inputs", "top_k", "x"]), INSTANCES | COLUMNS),
    CELLS,
)
# Cut off, or with something after it, a text is no JSON.
BODIES = st.one_of(
    CONTENTS.map(json.dumps),
    CONTENTS.map(lambda content: json.dumps(content)[:-1]),
    CONTENTS.map(lambda content: json.dumps(content, separators=(",", ":")) + "]"),
    CONTENTS.map(lambda content: "\n" + json.dumps(content, indent=1, ensure_ascii=False)),
).map(str.encode)
POINTS = st.fixed_dictionaries(
    {},
    optional={
        "x": st.lists(CELLS, max_size=8) | CELLS,
        "parameters": st.dictionaries(st.sampled_from(["beta", "alpha"]), CELLS) | CELLS,
        "y": CELLS,
    },
)


@pytest.fixture(scope="module")
def _every_body_is_long() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_size, "_SHORT_BYTES", 0)
        patch.setattr(json_size, "_AFFORDABLE", 5)
        yield


def _status(decode: Callable[[], object]) -> int:
    try:
        decode()
    except ServiceError as exc:
        return status_of(exc)[0]
    return 200


def _plainly(decode: Callable[[], object]) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_size, "_is_affordable", lambda _body: True)
        return _status(decode)


@pytest.mark.usefixtures("_every_body_is_long")
@pytest.mark.parametrize("form", [NUMBERS, MIXED], ids=["numbers", "mixed"])
@given(body=BODIES)
@example(body=b'{"instances": [[1, 2], [3, 4], [5, 6], [7, 8]], "top_k": 1}')
@example(body=b'{"instances": [[1, 2, 3, 4, 5, 6, 7, 8, 9]]}')
@example(
    body=b'{"instances": [[1, 2], [3, 4], [5, 6], [7, 8], [1, 2], [1, 2], [1, 2]], "top_k": 9}'
)
@example(body=b'{"instances": [[1, 123456789012345678901234567890], [1, 2], [1, 2]], "top_k": 1}')
@example(body=b'{"instances": [{"age": 1, "age": 1, "age": 1, "age": 1, "age": 1, "fare": 1}]}')
def test_measured_bodies_have_the_verdict_of_the_plain_decoder(
    body: bytes, form: RowFormat, penguins: PublishedVersion
) -> None:
    manifest = penguins.manifest
    decode = partial(decode_predict, body, form=form, manifest=manifest, row_limit=ROW_LIMIT)
    hidden = partial(decode_hidden, body, form=form, row_limit=ROW_LIMIT)

    assert _status(decode) == _plainly(decode)
    assert _status(hidden) == _plainly(hidden)


@pytest.mark.usefixtures("_every_body_is_long")
@given(content=POINTS)
@example(content={"x": [1] * 7, "parameters": 1})
def test_measured_points_have_the_verdict_of_the_plain_decoder(content: object) -> None:
    decode = partial(decode_evaluate, json.dumps(content).encode(), limit=6)

    assert _status(decode) == _plainly(decode)


def _filled(start: bytes, value: bytes, end: bytes) -> Callable[[], bytes]:
    """A long body of one value over and over, made when it is asked for."""
    return lambda: start + b",".join([value] * (LONG_BYTES // (len(value) + 1))) + end


def _keys(start: bytes, value: bytes, end: bytes) -> Callable[[], bytes]:
    """A long body of different keys, made when it is asked for."""
    count = LONG_BYTES // len(b'"0000000":,' + value)
    return lambda: start + b",".join([b'"%07d":%b' % (i, value) for i in range(count)]) + end


HOSTILE = {
    "keys": (_keys(b"{", b"1", b"}"), 422),
    "empty rows": (_filled(b'{"instances":[', b"[]", b"]}"), 413),
    "empty objects": (_filled(b'{"instances":[', b"{}", b"]}"), 413),
    "a long row": (_filled(b'{"instances":[[', b"[]", b"]]}"), 422),
    "keys of a row": (_keys(b'{"instances":[{', b"1", b"}]}"), 422),
    "a cell": (_filled(b'{"instances":[[1,[[', b"{}", b"]]]]}"), 422),
    "columns": (_keys(b'{"inputs":{', b"1", b"}}"), 422),
    "a column": (_filled(b'{"inputs":{"age":[', b"[]", b'],"fare":[]}}'), 413),
    "an option": (_filled(b'{"instances":[[1,2]],"top_k":[', b"[]", b"]}"), 422),
    "texts and lists": (
        _filled(b'{"instances":[["[[,,",', b"[]", b"]]}"),
        422,
    ),
    "a forgotten value": (_filled(b'{"top_k":[', b"[]", b'],"top_k":1}'), 422),
    "a large number": (_filled(b'{"top_k":1e400,"instances":[', b"[]", b"]}"), 422),
    "no end": (_filled(b'{"instances":[', b"[]", b"]"), 400),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_long_body_that_cannot_fit_is_refused_before_it_is_decoded(
    name: str, penguins: PublishedVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, status = HOSTILE[name]
    monkeypatch.setattr(json_predict, "parse_object", _never)

    decode = partial(
        decode_predict, made(), form=NUMBERS, manifest=penguins.manifest, row_limit=10_000
    )

    assert _status(decode) == status


@pytest.mark.parametrize(
    ("made", "status"),
    [
        (_filled(b'{"x":[', b"[]", b"]}"), 413),
        (_filled(b'{"x":[[', b"[]", b"]]}"), 422),
        (_keys(b'{"x":[],"parameters":{', b"[]", b"}}"), 422),
    ],
    ids=["points", "a point", "parameters"],
)
def test_long_points_that_cannot_fit_are_refused_before_they_are_decoded(
    made: Callable[[], bytes], status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_activation, "parse_object", _never)

    assert _status(partial(decode_evaluate, made(), limit=10_000)) == status


def test_text_full_of_commas_and_brackets_is_no_surplus(penguins: PublishedVersion) -> None:
    rows = [[1, ",[{" * 20]] * 10_000
    body = json.dumps({"instances": rows}).encode()

    request = decode_predict(body, form=MIXED, manifest=penguins.manifest, row_limit=10_000)

    assert len(request.features) == len(rows)


def test_hidden_rows_are_measured_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_hidden, "parse_object", _never)
    made, status = HOSTILE["empty rows"]

    assert _status(partial(decode_hidden, made(), form=NUMBERS, row_limit=10_000)) == status


def _never(_body: bytes) -> dict[str, object]:
    raise AssertionError("decoded")
