"""What an application developer is told who asks for the wrong thing, or in the wrong way."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from service.settings import Settings
from tests.service.conftest import MODELS, running

pytestmark = pytest.mark.anyio

PREDICT = "/v1/models/penguins:predict"


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """One event loop for all requests of this module."""
    return "asyncio"


@pytest.fixture(scope="module")
async def client(anyio_backend: str) -> AsyncIterator[httpx.AsyncClient]:  # noqa: ARG001 - its scope
    """A client of the app over the shipped models."""
    async with running(Settings(models=MODELS)) as client:
        yield client


async def _told(client: httpx.AsyncClient, body: str, path: str = PREDICT) -> dict[str, Any]:
    answer = await client.post(path, content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)
    told: dict[str, Any] = answer.json()
    return told


def _messages(told: dict[str, Any]) -> list[str]:
    return [error["message"] for error in told.get("errors", [])]


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        (
            "/v1/models/pinguins",
            (
                "there is no model 'pinguins' here; there are: digits, fashion-128, penguins"
                '; did you mean "penguins"?'
            ),
        ),
        (
            "/v1/models/letters:predict",
            "there is no model 'letters' here; there are: digits, fashion-128, penguins",
        ),
        (
            "/v1/models/digits/versions/7:predict",
            "'digits' has no version 7; there are: 1",
        ),
        (
            "/v1/models/digits/versions/latest:predict",
            (
                "expected a version number, got 'latest' for 'digits'; a path without "
                "/versions/latest takes the newest that is ready"
            ),
        ),
        (
            "/v1/activations/rellu",
            (
                "there is no activation function 'rellu'; there are: relu, leaky_relu, relu6, "
                "prelu, elu, celu, selu, gelu, gelu_tanh, silu and 12 more"
                '; did you mean "relu"?'
            ),
        ),
    ],
    ids=lambda value: value if value.startswith("/") else "",
)
async def test_name_that_is_not_there_is_told_with_those_that_are(
    client: httpx.AsyncClient, path: str, sentence: str
) -> None:
    answer = await client.request("POST" if ":" in path else "GET", path, json={})

    assert answer.status_code == 404
    assert answer.json()["detail"] == sentence


async def test_form_is_told_the_content_type_and_the_flag_of_curl(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.post(PREDICT, data={"instances": "1"})

    assert answer.status_code == 415
    assert answer.json()["detail"] == (
        "expected the content type application/json, got application/x-www-form-urlencoded; with "
        "curl: -H 'content-type: application/json'"
    )


ROW = {
    "island": "Biscoe",
    "bill_length_mm": 39.1,
    "bill_depth_mm": 18.7,
    "flipper_length_mm": 181,
    "body_mass_g": 3750,
    "sex": "male",
    "year": 2007,
}


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ([ROW], 'expected {"instances": [...]}, got a list of 1'),
        (
            ROW,
            (
                "the body is a row itself: expected a list of rows, "
                '{"instances": [{"island": ..., ...}]}'
            ),
        ),
        (
            {name: [value] for name, value in ROW.items()},
            'the body is columns itself: expected {"inputs": {"island": [...], ...}}',
        ),
        (
            {"instances": [0, 0, 1, 2]},
            "instances is one row of numbers: expected a list of rows, [[0, 0, 1, 2]]",
        ),
        (
            {"instances": ["Biscoe", 39.1, None]},
            "instances is one row: expected a list of rows, [[...]]",
        ),
        (
            {"instances": ROW},
            (
                "instances: expected a list of rows, got an object; a row goes into a list, "
                '[{...}], and columns under "inputs"'
            ),
        ),
        (
            {"inputs": [ROW]},
            (
                "inputs: expected an object of columns, got a list of 1; a list of rows goes "
                'under "instances"'
            ),
        ),
        ({}, 'expected exactly one of the keys "instances" and "inputs"'),
    ],
    ids=["bare list", "bare row", "bare columns", "flat", "flat mixed", "object", "list", "none"],
)
async def test_rows_in_no_place_for_rows_are_told_theirs_once(
    client: httpx.AsyncClient, body: object, detail: str
) -> None:
    told = await _told(client, json.dumps(body))

    assert (told["detail"], _messages(told)) == (detail, [detail])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"instance": [ROW]}, 'unknown key "instance"; did you mean "instances"?'),
        ({"rows": [ROW]}, 'unknown key "rows"; did you mean "instances"?'),
        ({"data": [ROW]}, 'unknown key "data"; did you mean "instances"?'),
        ({"instances": [ROW], "topk": 1}, 'unknown key "topk"; did you mean "top_k"?'),
        ({"instances": [ROW], "top-k": 1}, 'unknown key "top-k"; did you mean "top_k"?'),
        ({"instances": [ROW], "colour": 1}, 'unknown key "colour"'),
        (
            {"instances": [{**ROW, "bill_lenght_mm": 39.1}]},
            'unknown feature "bill_lenght_mm"',
        ),
        (
            {"instances": [{**ROW, "body_mass_g": "3750"}]},
            'expected a number, got "3750": send it without quotes',
        ),
        (
            {"instances": [{**ROW, "body_mass_g": "NaN"}]},
            'expected a number, got "NaN": send null for a missing value',
        ),
        ({"instances": [{**ROW, "island": 3}]}, "expected a string, got 3: send it in quotes"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_is_wrong_in_a_body_is_told_with_the_way_on(
    client: httpx.AsyncClient, body: object, message: str
) -> None:
    told = await _told(client, json.dumps(body))

    assert _messages(told) == [message]


async def test_feature_that_is_mistyped_is_told_with_the_one_that_was_meant(
    client: httpx.AsyncClient,
) -> None:
    row = {name.replace("length", "lenght"): value for name, value in ROW.items()}

    told = await _told(client, json.dumps({"instances": [row]}))

    assert _messages(told)[-2:] == [
        'unknown feature "bill_lenght_mm"; did you mean "bill_length_mm"?',
        'unknown feature "flipper_lenght_mm"; did you mean "flipper_length_mm"?',
    ]


@pytest.mark.parametrize(
    ("path", "expected"),
    [(PREDICT, '{"instances": [...]}'), ("/v1/activations/relu:evaluate", '{"x": [...]}')],
)
async def test_empty_body_is_told_what_to_send(
    client: httpx.AsyncClient, path: str, expected: str
) -> None:
    assert (await _told(client, "", path))["detail"] == f"the body is empty: expected {expected}"


async def test_missing_value_of_python_is_told_as_what_it_is(client: httpx.AsyncClient) -> None:
    short = await _told(client, json.dumps({"instances": [[float("nan")]]}))
    long = await _told(client, json.dumps({"instances": [[1.0, float("nan")]] * 20_000}))

    sentence = "NaN is no JSON: send null for a missing value"
    assert short["detail"] == f"{sentence} (line 1 column 17)"
    assert long["detail"] == f"{sentence} (line 1 column 22)"


async def test_points_under_another_key_are_told_theirs(client: httpx.AsyncClient) -> None:
    told = await _told(client, '{"points": [1]}', "/v1/activations/relu:evaluate")

    assert _messages(told) == ['unknown key "points"; did you mean "x"?']


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/v1/model/digits:predict", "/v1/models/digits:predict"),
        ("/v1/models/digits:predct", "/v1/models/digits:predict"),
        ("/v1/models/digits/predict", "/v1/models/digits:predict"),
        ("/v1/models/digits:predict/", "/v1/models/digits:predict"),
        ("/v1/models/digits/version/1:predict", "/v1/models/digits/versions/1:predict"),
        ("/v1/models/digits/1:predict", "/v1/models/{name}:predict"),
        ("/v2/models/digits:predict", "/v1/models/digits:predict"),
        ("/api/v1/models/digits", "/v1/models/digits"),
        ("/digits:predict", "/v1/models/digits:predict"),
        ("/predict", "/v1/models/{name}:predict"),
        ("/models", "/v1/models"),
        ("/v1/models/", "/v1/models"),
        ("/v1/activation/relu/curves", "/v1/activations/relu/curve"),
        ("/v1/activations/relu/evaluate", "/v1/activations/relu:evaluate"),
        ("/ready", "/v2/health/ready"),
        ("/doc", "/docs"),
    ],
)
async def test_path_that_is_almost_one_is_told_with_the_one_that_was_meant(
    client: httpx.AsyncClient, path: str, meant: str
) -> None:
    answer = await client.get(path)

    assert answer.status_code == 404
    told = answer.json().get("detail") or answer.json()["error"]
    assert told == (
        f"there is nothing at this path; /openapi.json lists the paths; did you mean {meant}?"
    )


@pytest.mark.parametrize(
    "path", ["/robots.txt", "/v1", "/" + "a/" * 50, "/" + "predict" * 40, "/v1/models/digits:x"]
)
async def test_path_that_is_like_no_other_is_told_where_the_paths_are(
    client: httpx.AsyncClient, path: str
) -> None:
    answer = await client.get(path)

    assert answer.json()["detail"] == (
        "there is nothing at this path; /openapi.json lists the paths"
    )


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        (
            "elu/curve?from=1",
            (
                'unknown query parameter "from"; there are: start, stop, step, format, and elu\'s '
                "alpha"
            ),
        ),
        (
            "relu/curve?fromat=svg",
            (
                'unknown query parameter "fromat"; there are: start, stop, step, format; did you '
                'mean "format"?'
            ),
        ),
        ("relu/curve?start=a", 'start: expected a number, got "a"'),
        ("elu/curve?alpha=a", 'alpha: expected a number, got "a"'),
        ("relu/curve?start=inf", 'start: expected a finite number, got "inf"'),
        ("relu/curve?format=png", 'format: expected "json" or "svg", got "png"'),
    ],
    ids=lambda value: value.partition(";")[0],
)
async def test_query_that_does_not_fit_is_told_what_there_is(
    client: httpx.AsyncClient, query: str, detail: str
) -> None:
    answer = await client.get(f"/v1/activations/{query}")

    assert answer.status_code == 422
    assert (answer.json()["detail"], _messages(answer.json())) == (detail, [detail])


async def test_several_things_wrong_in_a_query_are_listed(client: httpx.AsyncClient) -> None:
    told = (await client.get("/v1/activations/relu/curve?start=a&stop=b")).json()

    assert told["detail"] == "the query does not fit"
    assert _messages(told) == [
        'start: expected a number, got "a"',
        'stop: expected a number, got "b"',
    ]


@pytest.mark.parametrize(
    ("method", "path", "detail"),
    [
        (
            "GET",
            PREDICT,
            (
                "expected POST, got GET; with curl: -H 'content-type: application/json' "
                "-d '{\"instances\": [...]}'"
            ),
        ),
        (
            "GET",
            "/v1/activations/relu:evaluate",
            (
                "expected POST, got GET; with curl: -H 'content-type: application/json' "
                "-d '{\"x\": [...]}'"
            ),
        ),
        (
            "POST",
            "/v1/models/digits",
            "expected GET or HEAD, got POST; a POST goes to /v1/models/digits:predict",
        ),
        (
            "POST",
            "/v1/activations/relu",
            "expected GET or HEAD, got POST; a POST goes to /v1/activations/relu:evaluate",
        ),
        ("DELETE", "/v1/models/digits", "expected GET or HEAD, got DELETE"),
    ],
)
async def test_wrong_method_is_told_with_the_right_one(
    client: httpx.AsyncClient, method: str, path: str, detail: str
) -> None:
    answer = await client.request(method, path)

    assert answer.status_code == 405
    assert answer.json()["detail"] == detail
