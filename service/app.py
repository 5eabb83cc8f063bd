"""create_app: the one place that wires the service."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial

from fastapi import FastAPI

from service import VERSION, logs
from service.api import documentation, problems
from service.api.activations import EvaluationHandler, activations_router
from service.api.direct import Direct, DirectEndpoints, Handler
from service.api.health import health_router
from service.api.metrics import Metrics, metrics_router
from service.api.middleware.last_resort import LastResort
from service.api.middleware.request_id import RequestId, RequestIds
from service.api.models import models_router
from service.api.predictions import RowHandlers
from service.api.requests import register_segment
from service.inference.predictor import Predictor, open_version
from service.inference.run_limit import Watchdog
from service.inference.scheduler import Batching
from service.model_repository.repository import ModelRepository
from service.settings import Settings

_DESCRIPTION = (
    "Classification by multilayer perceptrons that were trained with dropout and are served in "
    "evaluation mode, and queries about activation functions."
)
_log = logging.getLogger(__name__)


def create_app(settings: Settings, shared_metrics: str | None = None) -> Direct:
    """The service over the models of `settings.models`; they load as the app starts.

    `shared_metrics` is a folder in which several workers count together.
    """
    logs.configure(settings.log_level)
    register_segment()
    opened = partial(
        open_version,
        batching=_batching(settings),
        run_limit_s=settings.run_limit_s,
        watchdog=Watchdog(),
    )
    repository = ModelRepository(settings.models, opened)
    metrics, ids = Metrics(shared_metrics), RequestIds()
    framework = _framework(settings, repository, metrics, ids)
    rows = RowHandlers(repository, metrics, row_limit=settings.row_limit)
    functions = EvaluationHandler(row_limit=settings.row_limit)
    handlers: dict[str, Handler] = {
        ":predict": rows.predict,
        ":activations": rows.hidden,
        ":evaluate": functions.evaluate,
    }
    limit = settings.body_limit_bytes
    return Direct(
        framework, DirectEndpoints(handlers, ids=ids, metrics=metrics, body_limit_bytes=limit)
    )


def _batching(settings: Settings) -> Batching:
    named = {"off": 1, "auto": None}
    chosen = settings.batching
    rows = named[chosen] if chosen in named else int(chosen)
    return Batching(rows, settings.waiting_rows)


def _framework(
    settings: Settings, repository: ModelRepository[Predictor], metrics: Metrics, ids: RequestIds
) -> FastAPI:
    app = FastAPI(
        title="mlpserve",
        version=VERSION,
        description=_DESCRIPTION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_loading(repository, answers_meanwhile=settings.workers == 1),
    )
    app.include_router(health_router(repository))
    app.include_router(metrics_router(metrics))
    app.include_router(models_router(repository))
    app.include_router(activations_router(row_limit=settings.row_limit))
    documentation.install(app)
    problems.install(app)
    # The last one added is the outermost.
    app.add_middleware(LastResort)
    app.add_middleware(RequestId, ids=ids)
    return app


def _loading(
    repository: ModelRepository[Predictor], *, answers_meanwhile: bool
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        # In a thread, so that /v2/health/live answers meanwhile. One worker of several takes no
        # connection before it is ready: the others do.
        loading = asyncio.create_task(asyncio.to_thread(_load, repository))
        loading.add_done_callback(_log_failure)
        if not answers_meanwhile:
            await loading
        yield
        await loading

    return lifespan


def _load(repository: ModelRepository[Predictor]) -> None:
    repository.load()
    # What is here now stays: the collector need not walk it again while somebody waits.
    gc.collect()
    gc.freeze()


def _log_failure(loading: asyncio.Task[None]) -> None:
    if not loading.cancelled() and loading.exception() is not None:
        _log.critical("loading the models failed", exc_info=loading.exception())
