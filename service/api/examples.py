"""What the documentation offers to try: the models that are here, with rows that they take."""

from collections.abc import Iterable
from typing import Any

from service.activations.table import TABLE
from service.inference.predictor import Predictor

# Each model comes with a row of its own for every operation.
MOST_MODELS = 20
# Features of a row that is still read in a page, of other models than the narrowest.
WIDEST = 2000
_FUNCTION = "tanh"
_POINTS = {"x": [-1.0, 0.0, 2.0], "parameters": {}}


def with_examples(paths: dict[str, Any], predictors: Iterable[Predictor]) -> dict[str, Any]:
    """The paths of an OpenAPI document with values that these versions answer to.

    A model's example has the same name wherever it stands, and those of few features come first:
    the documentation's page begins with the first one everywhere.
    """
    shown = _shown(predictors)
    of_parameter = {
        "name": _named(shown, {p.manifest.name: p.manifest.name for p in shown}),
        "version": _named(shown, {p.manifest.name: str(p.number) for p in shown}),
        "function": {"schema": {"type": "string", "enum": list(TABLE)}, "example": _FUNCTION},
    }
    bodies = {p.manifest.name: p.description.example for p in shown}
    of_body = {
        "PredictBody": _named(shown, {name: {**body, "top_k": 2} for name, body in bodies.items()}),
        "RowsBody": _named(shown, bodies),
        "EvaluateBody": {"example": _POINTS},
    }
    return {
        path: {
            method: _with_examples(operation, of_parameter, of_body)
            for method, operation in operations.items()
        }
        for path, operations in paths.items()
    }


def _shown(predictors: Iterable[Predictor]) -> list[Predictor]:
    narrow_first = sorted(predictors, key=_width)
    others = [predictor for predictor in narrow_first[1:] if _width(predictor)[0] <= WIDEST]
    return (narrow_first[:1] + others)[:MOST_MODELS]


def _width(predictor: Predictor) -> tuple[int, str]:
    manifest = predictor.manifest
    return len(manifest.signature.features), manifest.name


def _named(predictors: list[Predictor], values: dict[str, Any]) -> dict[str, Any]:
    if not values:
        return {}
    summaries = {p.manifest.name: f"{p.manifest.name}, version {p.number}" for p in predictors}
    return {
        "examples": {
            name: {"summary": summaries[name], "value": value} for name, value in values.items()
        }
    }


def _with_examples(
    operation: dict[str, Any], of_parameter: dict[str, Any], of_body: dict[str, Any]
) -> dict[str, Any]:
    made = dict(operation)
    if "parameters" in operation:
        made["parameters"] = [
            {**parameter, **of_parameter.get(parameter["name"], {})}
            for parameter in operation["parameters"]
        ]
    if "requestBody" in operation:
        ((media_type, content),) = operation["requestBody"]["content"].items()
        name = content["schema"]["$ref"].rpartition("/")[2]
        body = {**content, **of_body[name]}
        made["requestBody"] = {**operation["requestBody"], "content": {media_type: body}}
    return made
