"""/v1/models/{name}/card: the manifest, or a page to read; and the page's pictures."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from service.api import bodies
from service.api.card_page import PAGE_HEADERS, PICTURE_HEADERS, card_page
from service.api.requests import prefers, version_in_path
from service.inference.predictor import Predictor
from service.model_repository.layout import read_card, read_picture
from service.model_repository.manifest import Manifest
from service.model_repository.repository import ModelRepository

_MODEL = "/{name:segment}"
_VERSION = "/{name:segment}/versions/{version:segment}"
_PICTURE = "/plots/{picture:segment}"
_DOCUMENTATION = {
    200: {
        "model": Manifest,
        "content": {"text/html": {"schema": {"type": "string"}}},
        "description": "The manifest, or with format=html (or Accept: text/html) the card's page",
    },
    **bodies.problems(404, 422, 503),
}

Format = Annotated[Literal["json", "html"] | None, Query(alias="format")]


def cards_router(repository: ModelRepository[Predictor]) -> APIRouter:
    """The endpoints of cards and their pictures."""
    router = APIRouter(prefix="/v1/models", tags=["models"])

    @router.get(_MODEL + "/card", responses=_DOCUMENTATION)
    async def get_card(request: Request, name: str, shown_as: Format = None) -> Response:
        """The manifest: signature, labels, hyperparameters, data, scores, checksums; or a page."""
        return await _card(repository, repository.version(name), request, shown_as)

    @router.get(_VERSION + "/card", responses=_DOCUMENTATION)
    async def get_card_of_version(
        request: Request, name: str, version: str, shown_as: Format = None
    ) -> Response:
        """The manifest of one version, or its card as a page."""
        chosen = repository.version(name, version_in_path(name, version))
        return await _card(repository, chosen, request, shown_as)

    # Parts of the page, as its style is.
    @router.get(_MODEL + _PICTURE, include_in_schema=False)
    async def get_picture(name: str, picture: str) -> Response:
        return await _picture(repository, repository.version(name), picture)

    @router.get(_VERSION + _PICTURE, include_in_schema=False)
    async def get_picture_of_version(name: str, version: str, picture: str) -> Response:
        chosen = repository.version(name, version_in_path(name, version))
        return await _picture(repository, chosen, picture)

    return router


async def _card(
    repository: ModelRepository[Predictor],
    chosen: Predictor,
    request: Request,
    shown_as: Literal["json", "html"] | None,
) -> Response:
    if shown_as == "html" or (shown_as is None and prefers(request, "text/html")):
        page = await run_in_threadpool(_page, repository, chosen)
        return HTMLResponse(page, headers=PAGE_HEADERS)
    headers = {"Vary": "Accept"}
    return Response(chosen.manifest_json, media_type="application/json", headers=headers)


def _page(repository: ModelRepository[Predictor], chosen: Predictor) -> str:
    name = chosen.manifest.name
    card = read_card(repository.root, name, chosen.number)
    return card_page(f"{name}, version {chosen.number}", card)


async def _picture(
    repository: ModelRepository[Predictor], chosen: Predictor, picture: str
) -> Response:
    place = (repository.root, chosen.manifest.name, chosen.number, picture)
    svg = await run_in_threadpool(read_picture, *place)
    return Response(svg, media_type="image/svg+xml", headers=PICTURE_HEADERS)
