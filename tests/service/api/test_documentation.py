"""One OpenAPI document for everything, and a page that needs no other host."""

import re
from typing import Any

import httpx
import pytest

from service.api import bodies

pytestmark = pytest.mark.anyio

CONTRACT = {
    "/v2/health/live": {"get"},
    "/v2/health/ready": {"get"},
    "/v1/models": {"get"},
    "/metrics": {"get"},
    "/v1/models/{name}": {"get"},
    "/v1/models/{name}/versions/{version}": {"get"},
    "/v1/models/{name}/card": {"get"},
    "/v1/models/{name}/versions/{version}/card": {"get"},
    "/v1/models/{name}:predict": {"post"},
    "/v1/models/{name}/versions/{version}:predict": {"post"},
    "/v1/models/{name}:activations": {"post"},
    "/v1/models/{name}/versions/{version}:activations": {"post"},
    "/v1/activations": {"get"},
    "/v1/activations/{function}": {"get"},
    "/v1/activations/{function}:evaluate": {"post"},
    "/v1/activations/{function}/curve": {"get"},
}


@pytest.fixture
async def document(client: httpx.AsyncClient) -> dict[str, Any]:
    answer: dict[str, Any] = (await client.get("/openapi.json")).json()
    return answer


async def test_document_lists_every_path_of_the_contract(document: dict[str, Any]) -> None:
    assert {path: set(methods) for path, methods in document["paths"].items()} == CONTRACT


async def test_every_operation_has_a_purpose_and_its_answer(document: dict[str, Any]) -> None:
    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert operation["description"], path
            assert "200" in operation["responses"], path


async def test_every_part_of_a_path_and_nothing_else_is_a_required_parameter(
    document: dict[str, Any],
) -> None:
    for path, methods in document["paths"].items():
        for operation in methods.values():
            named = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
            assert named == set(re.findall(r"{(\w+)}", path)), path


async def test_operations_have_names_that_a_client_would_give_them(
    document: dict[str, Any],
) -> None:
    names = [operation["operationId"] for operation in _operations(document)]

    assert names == [
        "list_models",
        "get_model",
        "predict",
        "hidden_representations",
        "get_card",
        "get_model_version",
        "get_card_of_version",
        "predict_with_version",
        "hidden_representations_with_version",
        "list_activation_functions",
        "get_activation_function",
        "get_activation_curve",
        "evaluate_activation_function",
        "get_metrics",
        "health_live",
        "health_ready",
    ]


async def test_models_come_first_and_health_last(document: dict[str, Any]) -> None:
    tags = [tag["name"] for tag in document["tags"]]

    assert tags == ["models", "activation functions", "operation", "health"]
    assert [operation["tags"] for operation in _operations(document)] == sorted(
        ([operation["tags"][0]] for operation in _operations(document)),
        key=lambda tag: tags.index(tag[0]),
    )


async def test_every_example_is_answered(
    client: httpx.AsyncClient, document: dict[str, Any]
) -> None:
    tried = 0
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            for key in ("penguins", "digits", "fashion-128"):
                url = path
                for parameter in operation.get("parameters", ()):
                    if parameter["in"] == "path":
                        url = url.replace(f"{{{parameter['name']}}}", _example(parameter, key))
                body = operation.get("requestBody", {}).get("content", {}).get("application/json")
                sent = None if body is None else _example(body, key)
                answer = await client.request(method, url, json=sent)
                assert answer.status_code == 200, (method, url, answer.text)
                tried += 1
    assert tried == 3 * len(CONTRACT)


def _example(described: dict[str, Any], key: str) -> Any:
    if "examples" in described:
        return described["examples"][key]["value"]
    return described["example"]


async def test_example_that_is_shown_first_is_of_one_model_everywhere(
    document: dict[str, Any],
) -> None:
    firsts = {
        next(iter(described["examples"]))
        for operation in _operations(document)
        for described in (
            *operation.get("parameters", ()),
            *operation.get("requestBody", {}).get("content", {}).values(),
        )
        if "examples" in described
    }

    assert firsts == {"penguins"}


async def test_errors_are_documented_as_they_are_sent(
    client: httpx.AsyncClient, document: dict[str, Any]
) -> None:
    assert not {"HTTPValidationError", "ValidationError"} & set(document["components"]["schemas"])
    for operation in _operations(document):
        for status, answer in operation["responses"].items():
            if status == "200" or operation["tags"] == ["health"]:
                continue
            ((media_type, content),) = answer["content"].items()
            kind = "InvalidInputAnswer" if status == "422" else "ProblemAnswer"
            assert media_type == "application/problem+json"
            assert content["schema"] == {"$ref": f"#/components/schemas/{kind}"}
            assert ("Retry-After" in answer.get("headers", {})) == (status == "503")

    missing = await client.get("/v1/models/letters")
    unfit = await client.post("/v1/models/digits:predict", json={"instances": [[1]]})
    curve = await client.get("/v1/activations/tanh/curve?start=a")
    bodies.ProblemAnswer.model_validate(missing.json())
    for answer in (unfit, curve):
        assert answer.headers["content-type"] == "application/problem+json"
        bodies.InvalidInputAnswer.model_validate(answer.json())


def _operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for methods in document["paths"].values() for operation in methods.values()]


async def test_every_reference_of_the_document_resolves(document: dict[str, Any]) -> None:
    named = set(re.findall(r"'#/components/schemas/([^']+)'", str(document)))

    assert named <= set(document["components"]["schemas"])


async def test_page_and_its_assets_come_from_here(client: httpx.AsyncClient) -> None:
    page = (await client.get("/docs")).text

    assets = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(assets) == 3
    for asset in assets:
        assert asset.startswith("/docs/assets/")
        assert (await client.get(asset)).status_code == 200


async def test_root_leads_to_the_page(client: httpx.AsyncClient) -> None:
    answer = await client.get("/")

    assert answer.status_code == 307
    assert answer.headers["location"] == "/docs"
