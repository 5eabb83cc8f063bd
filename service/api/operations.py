"""What OpenAPI says of the direct paths, which the framework knows nothing of."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from service.api import bodies


@dataclass(frozen=True)
class Operation:
    """One POST: its name, its path, its purpose, and the models of the bodies."""

    name: str
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
        "predict",
        _MODEL + ":predict",
        "models",
        "Classify rows with the newest version that is ready.",
        bodies.PredictBody,
        bodies.PredictAnswer,
        _ROWS,
    ),
    Operation(
        "predict_with_version",
        _VERSION + ":predict",
        "models",
        "Classify rows with one version.",
        bodies.PredictBody,
        bodies.PredictAnswer,
        _ROWS,
    ),
    Operation(
        "hidden_representations",
        _MODEL + ":activations",
        "models",
        "The hidden representations of rows, layer by layer, in the newest version.",
        bodies.RowsBody,
        bodies.HiddenAnswer,
        _ROWS,
    ),
    Operation(
        "hidden_representations_with_version",
        _VERSION + ":activations",
        "models",
        "The hidden representations of rows, layer by layer, in one version.",
        bodies.RowsBody,
        bodies.HiddenAnswer,
        _ROWS,
    ),
    Operation(
        "evaluate_activation_function",
        "/v1/activations/{function}:evaluate",
        "activation functions",
        "Values and derivatives at the given points.",
        bodies.EvaluateBody,
        bodies.EvaluateAnswer,
        (400, 404, 413, 415, 422, 500, 503),
    ),
)


def describe(document: dict[str, Any]) -> None:
    """Add the operations and the schemas of their bodies to an OpenAPI document."""
    models: dict[type[BaseModel], None] = dict.fromkeys(bodies.PROBLEMS)
    for operation in OPERATIONS:
        models |= {operation.body: None, operation.answer: None}
    schemas, definitions = models_json_schema(
        [(model, "validation") for model in models], ref_template=bodies.REFERENCE
    )
    references: dict[object, dict[str, Any]] = {m: schema for (m, _), schema in schemas.items()}
    document["components"]["schemas"] |= definitions["$defs"]
    for operation in OPERATIONS:
        document["paths"][operation.path] = {"post": _described(operation, references)}


def _described(operation: Operation, references: Mapping[object, dict[str, Any]]) -> dict[str, Any]:
    def content(model: type[BaseModel]) -> dict[str, Any]:
        return {"content": {"application/json": {"schema": references[model]}}}

    return {
        "tags": [operation.tag],
        "description": operation.purpose,
        "operationId": operation.name,
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in re.findall(r"{(\w+)}", operation.path)
        ],
        "requestBody": {"required": True, **content(operation.body)},
        "responses": {
            "200": {"description": "Success", **content(operation.answer)},
            **{str(k): entry for k, entry in bodies.problems(*operation.refusals).items()},
        },
    }
