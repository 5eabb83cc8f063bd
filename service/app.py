"""create_app: the one place that wires the service."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI

from service import VERSION, logs
from service.api import documentation, problems
from service.api.activations import activations_router
from service.api.health import health_router
from service.api.metrics import Metrics, metrics_router
from service.api.middleware.body_limit import BodyLimit
from service.api.middleware.last_resort import LastResort
from service.api.middleware.request_id import RequestId
from service.api.models import models_router
from service.api.requests import register_segment
from service.inference.predictor import Predictor, open_version
from service.model_repository.repository import ModelRepository
from service.settings import Settings

_DESCRIPTION = (
    "Classification by multilayer perceptrons that were trained with dropout and are served in "
    "evaluation mode, and queries about activation functions."
)
_log = logging.getLogger(__name__)


def create_app(settings: Settings) -> FastAPI:
    """The service over the models of `settings.models`; they load as the app starts."""
    logs.configure(settings.log_level)
    register_segment()
    repository = ModelRepository(settings.models, open_version)
    app = FastAPI(
        title="mlpserve",
        version=VERSION,
        description=_DESCRIPTION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_loading(repository),
    )
    app.include_router(health_router(repository))
    metrics = Metrics()
    app.include_router(metrics_router(metrics))
    app.include_router(models_router(repository, metrics, row_limit=settings.row_limit))
    app.include_router(activations_router(row_limit=settings.row_limit))
    documentation.install(app)
    problems.install(app)
    # The last one added is the outermost.
    app.add_middleware(BodyLimit, limit_bytes=settings.body_limit_bytes)
    app.add_middleware(LastResort)
    app.add_middleware(RequestId)
    return app


def _loading(
    repository: ModelRepository[Predictor],
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        # In a thread, so that /v2/health/live answers meanwhile.
        loading = asyncio.create_task(asyncio.to_thread(repository.load))
        loading.add_done_callback(_log_failure)
        yield
        await loading

    return lifespan


def _log_failure(loading: asyncio.Task[None]) -> None:
    if not loading.cancelled() and loading.exception() is not None:
        _log.critical("loading the models failed", exc_info=loading.exception())
