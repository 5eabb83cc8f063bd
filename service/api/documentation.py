"""/docs and /openapi.json, with scripts and styles served from here."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from service.api.operations import describe

_ASSETS = "/docs/assets"


def install(app: FastAPI) -> None:
    """Add the documentation page, its assets, the OpenAPI document, and / leading there."""
    page = get_swagger_ui_html(
        openapi_url="/openapi.json",
        title=app.title,
        swagger_js_url=f"{_ASSETS}/swagger-ui-bundle.js",
        swagger_css_url=f"{_ASSETS}/swagger-ui.css",
        swagger_favicon_url=f"{_ASSETS}/favicon.png",
    )

    @app.get("/openapi.json", include_in_schema=False, name="openapi")
    async def openapi() -> Response:
        return JSONResponse(_document(app))

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return page

    @app.get("/", include_in_schema=False)
    async def root() -> Response:
        return RedirectResponse("/docs")

    app.mount(_ASSETS, StaticFiles(directory=_asset_folder()))


def _document(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        describe(app.openapi())
    return app.openapi()


def _asset_folder() -> Path:
    # The package is a carrier of Swagger UI's files; its code is never imported.
    spec = find_spec("fastapi_offline")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "static"
