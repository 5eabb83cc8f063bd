"""/v1/models: which models are here, the states of their versions, and how to ask them."""

from fastapi import APIRouter
from starlette.responses import Response

from service.api import bodies
from service.api.requests import version_in_path
from service.codecs.json_models import encode_model, encode_models, encode_version
from service.inference.predictor import Predictor
from service.model_repository.repository import ModelRepository

_MODEL = "/{name:segment}"
_VERSION = "/{name:segment}/versions/{version:segment}"


def models_router(repository: ModelRepository[Predictor]) -> APIRouter:
    """The endpoints under /v1/models."""
    router = APIRouter(prefix="/v1/models", tags=["models"])

    @router.get("", responses={200: {"model": bodies.ModelsAnswer}})
    async def list_models() -> Response:
        """Every model, its versions and their states."""
        return _json(encode_models(repository.models()))

    @router.get(
        _MODEL, responses={200: {"model": bodies.ModelDetailsAnswer}, **bodies.problems(404, 503)}
    )
    async def get_model(name: str) -> Response:
        """One model: the states of its versions, and how to ask the newest that is ready."""
        return _json(encode_model(repository.model(name)))

    @router.get(
        _VERSION, responses={200: {"model": bodies.ModelDetailsAnswer}, **bodies.problems(404, 503)}
    )
    async def get_model_version(name: str, version: str) -> Response:
        """The state of one version, and how to ask it."""
        status = repository.version_status(name, version_in_path(name, version))
        return _json(encode_version(repository.model(name), status))

    return router


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")
