"""/v1/activations over HTTP."""

import math
import xml.etree.ElementTree as ET
from typing import Any

import httpx
import pytest

from service.activations.table import TABLE
from service.api import bodies

pytestmark = pytest.mark.anyio

URL = "/v1/activations"


async def test_every_function_is_listed_and_shown(client: httpx.AsyncClient) -> None:
    listed = bodies.ActivationsAnswer.model_validate((await client.get(URL)).json())

    assert [function.name for function in listed.activations] == list(TABLE)
    for function in listed.activations:
        shown = await client.get(f"{URL}/{function.name}")
        assert bodies.ActivationAnswer.model_validate(shown.json()) == function


async def test_value_and_derivative_are_evaluated(client: httpx.AsyncClient) -> None:
    body = {"x": [-1.0, 0.0, 2.0], "parameters": {"negative_slope": 0.1}}

    answer = await client.post(f"{URL}/leaky_relu:evaluate", json=body)

    assert answer.json() == {
        "name": "leaky_relu",
        "parameters": {"negative_slope": 0.1},
        "x": [-1.0, 0.0, 2.0],
        "y": [-0.1, 0.0, 2.0],
        "derivative": [0.1, 0.1, 1.0],
    }
    bodies.EvaluateBody.model_validate(body)
    bodies.EvaluateAnswer.model_validate(answer.json())


async def test_curve_is_evenly_spaced_points(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{URL}/tanh/curve?start=-8&stop=8&step=0.1")

    curve = bodies.EvaluateAnswer.model_validate(answer.json())
    assert len(curve.x) == len(curve.y) == len(curve.derivative) == 161
    assert curve.y[0] == math.tanh(-8)


async def test_curve_takes_parameters_of_the_function(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{URL}/elu/curve?start=-1&stop=0&step=1&alpha=0.5")

    assert answer.json()["parameters"] == {"alpha": 0.5}
    assert answer.json()["y"] == [0.5 * math.expm1(-1), 0.0]


@pytest.mark.parametrize(
    ("query", "accept", "media_type"),
    [
        ("", "*/*", "application/json"),
        ("?format=svg", "*/*", "image/svg+xml"),
        ("", "image/svg+xml", "image/svg+xml"),
        ("?format=json", "image/svg+xml", "application/json"),
    ],
    ids=str,
)
async def test_curve_is_numbers_or_a_picture(
    client: httpx.AsyncClient, query: str, accept: str, media_type: str
) -> None:
    answer = await client.get(f"{URL}/gelu/curve{query}", headers={"accept": accept})

    assert answer.headers["content-type"].partition(";")[0] == media_type
    if media_type == "image/svg+xml":
        assert ET.fromstring(answer.text).tag.endswith("svg")  # noqa: S314 - our own document


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "message"),
    [
        ("GET", "/rellu", None, 404, "no activation function 'rellu'; there are: relu,"),
        ("GET", "/relu/curve?step=0", None, 422, "step: expected > 0"),
        ("GET", "/relu/curve?start=1&stop=0", None, 422, "stop: expected at least start"),
        ("GET", "/relu/curve?start=x", None, 422, 'start: expected a number, got "x"'),
        ("GET", "/relu/curve?start=nan", None, 422, "start: expected a finite number"),
        ("GET", "/relu/curve?format=gif", None, 422, 'format: expected "json" or "svg", got "gif"'),
        ("GET", "/relu/curve?stpe=1", None, 422, 'did you mean "step"?'),
        ("GET", "/elu/curve?alpha=nan", None, 422, "alpha: expected a number from"),
        ("GET", "/elu/curve?alpha=x", None, 422, "alpha: expected a number, got"),
        ("GET", "/relu/curve?step=1e-9", None, 413, "expected at most 200 points"),
        ("POST", "/relu:evaluate", {"x": "1"}, 422, "x: expected a list of numbers"),
        ("POST", "/relu:evaluate", {"x": [None]}, 422, "expected a number, got null"),
        ("POST", "/relu:evaluate", {"x": [0] * 201}, 413, "expected at most 200 points"),
        ("POST", "/relu:evaluate", {"x": [0], "parameter": {}}, 422, "unknown key"),
        ("POST", "/rellu:evaluate", {"x": [0]}, 404, "no activation function"),
    ],
)
async def test_bad_query_gets_its_status_and_a_sentence(
    client: httpx.AsyncClient,
    method: str,
    path: str,
    body: dict[str, Any] | None,
    status: int,
    message: str,
) -> None:
    answer = await client.request(method, URL + path, json=body)

    bodies.ProblemAnswer.model_validate(answer.json())
    assert answer.status_code == status
    assert message in answer.text.replace('\\"', '"')
