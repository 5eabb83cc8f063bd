"""/v2/health: whether the process answers, and whether its models are ready."""

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from service.api import bodies
from service.api.problems import RETRY_AFTER_S
from service.inference.predictor import Predictor
from service.model_repository.repository import ModelRepository


def health_router(repository: ModelRepository[Predictor]) -> APIRouter:
    """The endpoints under /v2/health."""
    router = APIRouter(prefix="/v2/health", tags=["health"])

    @router.get("/live", responses={200: {"model": bodies.LiveAnswer}})
    async def health_live() -> Response:
        """200 while the process answers."""
        return JSONResponse({"live": True})

    @router.get(
        "/ready",
        responses={
            200: {"model": bodies.ReadyAnswer},
            503: {"model": bodies.NotReadyAnswer, "description": "loading, or without a version"},
        },
    )
    async def health_ready() -> Response:
        """200 once every model has a version that is loaded and passed its self-test."""
        if repository.ready:
            return JSONResponse({"ready": True})
        return JSONResponse(
            {"ready": False, "error": _reason(repository)},
            status_code=503,
            headers={"Retry-After": str(RETRY_AFTER_S)},
        )

    return router


def _reason(repository: ModelRepository[Predictor]) -> str:
    if repository.failure:
        return repository.failure
    if not repository.loaded:
        return "the models are still loading"
    broken = [model.name for model in repository.models() if model.newest_ready is None]
    return f"no version is ready of: {', '.join(broken)}"
