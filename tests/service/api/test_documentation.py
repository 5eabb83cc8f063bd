"""One OpenAPI document for everything, and a page that needs no other host."""

import re
from typing import Any

import httpx
import pytest

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
        if path.endswith("/curve"):
            continue
        for operation in methods.values():
            named = {p["name"] for p in operation.get("parameters", [])}
            assert named == set(re.findall(r"{(\w+)}", path)), path


async def test_every_body_is_documented_with_an_example(document: dict[str, Any]) -> None:
    for path, methods in document["paths"].items():
        if "post" in methods:
            content = methods["post"]["requestBody"]["content"]["application/json"]
            name = content["schema"]["$ref"].removeprefix("#/components/schemas/")
            assert document["components"]["schemas"][name]["examples"], path
            assert "422" in methods["post"]["responses"], path


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
