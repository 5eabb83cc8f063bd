"""/docs and /openapi.json, with scripts and styles served from here."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import orjson
from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.routing import APIRoute
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from service.api.examples import with_examples
from service.api.operations import describe
from service.inference.predictor import Predictor
from service.model_repository.repository import ModelRepository

_ASSETS = "/docs/assets"
# In the order in which the page shows them.
TAGS = (
    ("models", "Ask a model, and ask what it is."),
    ("activation functions", "Values, derivatives and curves, exact."),
    ("operation", "For whoever runs the service."),
    ("health", "For a load balancer."),
)
_FIRST = ("list_models", "get_model", "predict", "hidden_representations", "get_card")
_FRAMEWORKS_OWN = ("HTTPValidationError", "ValidationError")


def operation_id(route: APIRoute) -> str:
    """What a generated client calls the operation: the name of the endpoint's function."""
    return route.name


def install(app: FastAPI, repository: ModelRepository[Predictor]) -> None:
    """Add the documentation page, its assets, the OpenAPI document, and / leading there."""
    page = get_swagger_ui_html(
        openapi_url="/openapi.json",
        title=app.title,
        swagger_js_url=f"{_ASSETS}/swagger-ui-bundle.js",
        swagger_css_url=f"{_ASSETS}/swagger-ui.css",
        swagger_favicon_url=f"{_ASSETS}/favicon.png",
    )
    document = _Document(app, repository)

    @app.get("/openapi.json", include_in_schema=False, name="openapi")
    async def openapi() -> Response:
        return Response(document.written(), media_type="application/json")

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return page

    @app.get("/", include_in_schema=False)
    async def root() -> Response:
        return RedirectResponse("/docs")

    app.mount(_ASSETS, StaticFiles(directory=_asset_folder()))


class _Document:
    """The OpenAPI document, written again when other versions answer."""

    def __init__(self, app: FastAPI, repository: ModelRepository[Predictor]) -> None:
        self._app = app
        self._repository = repository
        self._predictors: list[Predictor] = []
        self._written = b""

    def written(self) -> bytes:
        newest = [model.newest_ready for model in self._repository.models()]
        predictors = [v.opened for v in newest if v is not None and v.opened is not None]
        same = len(predictors) == len(self._predictors) and all(
            now is before for now, before in zip(predictors, self._predictors, strict=True)
        )
        if not self._written or not same:
            document = _described(self._app)
            paths = with_examples(document["paths"], predictors)
            self._written = orjson.dumps({**document, "paths": paths})
            self._predictors = predictors
        return self._written


def _described(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        document = app.openapi()
        describe(document)
        _only_what_is_sent(document)
        document["paths"] = _in_order(document["paths"])
        document["tags"] = [{"name": name, "description": text} for name, text in TAGS]
    return app.openapi()


def _only_what_is_sent(document: dict[str, Any]) -> None:
    """Name every operation in words, and leave out the framework's errors: they are ours."""
    for operation in _operations(document["paths"]):
        operation["summary"] = operation["operationId"].replace("_", " ").capitalize()
        refused = operation["responses"].get("422", {})
        if "application/json" in refused.get("content", {}):
            del operation["responses"]["422"]
        for parameter in operation.get("parameters", []):
            parameter["schema"] = _without_null(parameter["schema"])
    for name in _FRAMEWORKS_OWN:
        document["components"]["schemas"].pop(name, None)


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """What a path or a query can hold: an optional parameter is absent, never null."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
    if len(kinds) != 1:
        return schema
    return {**kinds[0], **{key: value for key, value in schema.items() if key != "anyOf"}}


def _in_order(paths: dict[str, Any]) -> dict[str, Any]:
    tags = [name for name, _ in TAGS]

    def place(item: tuple[str, Any]) -> tuple[int, int]:
        (operation,) = item[1].values()
        name = operation["operationId"]
        within = _FIRST.index(name) if name in _FIRST else len(_FIRST)
        return tags.index(operation["tags"][0]), within

    return dict(sorted(paths.items(), key=place))


def _operations(paths: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for methods in paths.values() for operation in methods.values()]


def _asset_folder() -> Path:
    # The package is a carrier of Swagger UI's files; its code is never imported.
    spec = find_spec("fastapi_offline")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "static"
