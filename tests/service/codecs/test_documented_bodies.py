"""What OpenAPI says of request bodies against what the decoders take."""

import json
from functools import cache
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from service.api.bodies import EvaluateBody, PredictBody
from service.codecs.json_activation import decode_evaluate
from service.codecs.json_predict import decode_predict
from service.errors import ServiceError
from service.inference.features import row_format
from service.model_repository.layout import read_version
from service.model_repository.manifest import Manifest
from tests.service.conftest import MODELS

ROW_LIMIT = 5
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
FLOAT32 = st.floats(width=32, allow_nan=False, allow_infinity=False)
CELLS = st.none() | st.booleans() | NUMBERS | st.sampled_from(["Biscoe", "male", "", "1"])
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "top_k": st.none() | st.integers(-1, 12) | NUMBERS,
        "coverage": st.none() | NUMBERS | st.sampled_from([0.01, 0.5, 0.99]),
        "coverage_by": st.sampled_from(["all", "class", "row"]) | NUMBERS,
        "empty_sets": st.booleans() | NUMBERS,
        "uncertainty": st.booleans() | NUMBERS,
        "warnings": st.booleans() | NUMBERS,
        "surprise": NUMBERS,
    },
)


@cache
def _manifest(name: str) -> Manifest:
    return read_version(MODELS / name / "1", root=MODELS, name=name, number=1).manifest


@st.composite
def _contents(draw: st.DrawFn, name: str) -> dict[str, Any]:
    """Bodies that are right, or nearly."""
    names = _manifest(name).signature.names
    row = st.lists(CELLS, min_size=len(names), max_size=len(names))
    as_object = row.map(lambda cells: dict(zip(names, cells, strict=True)))
    rows = draw(st.lists(row | as_object, max_size=3) | CELLS)
    columns = st.lists(CELLS, min_size=1, max_size=1)
    table = draw(st.fixed_dictionaries(dict.fromkeys(names, columns)) | CELLS)
    form: dict[str, Any] = draw(
        st.sampled_from([{"instances": rows}, {"inputs": table}, {"instances": rows, "x": 1}, {}])
    )
    return {**form, **draw(OPTIONS)}


@given(content=_contents("penguins"))
def test_what_the_decoder_takes_is_documented(content: dict[str, Any]) -> None:
    manifest = _manifest("penguins")
    body = json.dumps(content).encode()
    try:
        decode_predict(
            body, form=row_format(manifest.signature), manifest=manifest, row_limit=ROW_LIMIT
        )
    except ServiceError:
        return

    PredictBody.model_validate_json(body, strict=True)


@given(
    rows=st.lists(
        st.lists(FLOAT32, min_size=64, max_size=64),
        min_size=1,
        max_size=3,
    )
)
def test_documented_rows_of_numbers_are_decoded_to_those_numbers(rows: list[list[float]]) -> None:
    manifest = _manifest("digits")
    body = json.dumps({"instances": rows}).encode()
    documented = PredictBody.model_validate_json(body, strict=True)

    decoded = decode_predict(
        body, form=row_format(manifest.signature), manifest=manifest, row_limit=ROW_LIMIT
    )

    expected = np.array(documented.instances, np.float32)
    assert np.array_equal(decoded.features.numeric, expected)


@given(
    content=st.fixed_dictionaries(
        {},
        optional={
            "x": st.lists(NUMBERS, max_size=6) | CELLS,
            "parameters": st.dictionaries(st.sampled_from(["alpha", "beta"]), NUMBERS) | CELLS,
            "surprise": CELLS,
        },
    )
)
def test_evaluation_that_the_decoder_takes_is_documented(content: dict[str, Any]) -> None:
    body = json.dumps(content).encode()
    try:
        decode_evaluate(body, limit=ROW_LIMIT)
    except ServiceError:
        return

    EvaluateBody.model_validate_json(body, strict=True)
