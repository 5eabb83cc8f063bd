"""What OpenAPI says of the direct paths, which the framework knows nothing of."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from service.api import bodies

_REFERENCE = "#/components/schemas/{model}"


@dataclass(frozen=True)
class Operation:
    """One POST: its path, its purpose, and the models of the bodies."""

    path: str
    tag: str
    purpose: str
    body: type[BaseModel]
    answer: type[BaseModel]
    refusals: tuple[int, ...]


_ROWS = (400, 404, 413, 415, 422, 500, 503, 504)
_MODEL, _VERSION = "/v1/models/{name}", "/v1/models/{name}/versions/{version}"
OPERATIONS = (
    Operation(
        _MODEL + ":predict",
        "models",
        "Classify rows with the newest version that is ready.",
        bodies.PredictBody,
        bodies.PredictAnswer,
        _ROWS,
    ),
    Operation(
        _VERSION + ":predict",
        "models",
        "Classify rows with one version.",
        bodies.PredictBody,
        bodies.PredictAnswer,
        _ROWS,
    ),
    Operation(
        _MODEL + ":activations",
        "models",
        "The hidden representations of rows, layer by layer, in the newest version.",
        bodies.RowsBody,
        bodies.HiddenAnswer,
        _ROWS,
    ),
    Operation(
        _VERSION + ":activations",
        "models",
        "The hidden representations of rows, layer by layer, in one version.",
        bodies.RowsBody,
        bodies.HiddenAnswer,
        _ROWS,
    ),
    Operation(
        "/v1/activations/{function}:evaluate",
        "activation functions",
        "Values and derivatives at the given points.",
        bodies.EvaluateBody,
        bodies.EvaluateAnswer,
        (400, 404, 413, 415, 422, 503),
    ),
)


def describe(document: dict[str, Any]) -> None:
    """Add the operations and the schemas of their bodies to an OpenAPI document."""
    models: dict[type[BaseModel], None] = {bodies.ProblemAnswer: None}
    for operation in OPERATIONS:
        models |= {operation.body: None, operation.answer: None}
    schemas, definitions = models_json_schema(
        [(model, "validation") for model in models], ref_template=_REFERENCE
    )
    references: dict[object, dict[str, Any]] = {m: schema for (m, _), schema in schemas.items()}
    document["components"]["schemas"] |= definitions["$defs"]
    for operation in OPERATIONS:
        document["paths"][operation.path] = {"post": _described(operation, references)}


def _described(operation: Operation, references: Mapping[object, dict[str, Any]]) -> dict[str, Any]:
    def content(media_type: str, model: type[BaseModel]) -> dict[str, Any]:
        return {"content": {media_type: {"schema": references[model]}}}

    refusal = content("application/problem+json", bodies.ProblemAnswer)
    return {
        "tags": [operation.tag],
        "summary": operation.purpose.removesuffix("."),
        "description": operation.purpose,
        "operationId": re.sub(r"\W+", "_", operation.path).strip("_") + "_post",
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in re.findall(r"{(\w+)}", operation.path)
        ],
        "requestBody": {"required": True, **content("application/json", operation.body)},
        "responses": {
            "200": {"description": "Success", **content("application/json", operation.answer)},
            **{
                str(status): {"description": HTTPStatus(status).phrase, **refusal}
                for status in operation.refusals
            },
        },
    }
