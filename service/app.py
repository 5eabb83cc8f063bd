"""create_app: the one place that wires the service."""

import asyncio
import contextlib
import gc
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.middleware.cors import CORSMiddleware

from service import VERSION, logs
from service.api import documentation, problems
from service.api.activations import EvaluationHandler, activations_router
from service.api.asgi import Direct
from service.api.cards import cards_router
from service.api.direct import DirectEndpoints, Handler
from service.api.health import health_router
from service.api.in_flight import BodiesInFlight
from service.api.metrics import Metrics, metrics_router
from service.api.middleware.head import Head
from service.api.middleware.last_resort import LastResort
from service.api.middleware.request_id import RequestId, RequestIds
from service.api.models import models_router
from service.api.paths import Paths
from service.api.predictions import RowHandlers
from service.api.requests import register_segment
from service.api.tally import Tally
from service.inference.predictor import Predictor, open_version
from service.inference.run_limit import Watchdog
from service.inference.scheduler import Batching
from service.inference.trials import Trials
from service.model_repository.repository import ModelRepository
from service.settings import Settings

_DESCRIPTION = (
    "Classification by multilayer perceptrons that were trained with dropout and are served in "
    "evaluation mode, and queries about activation functions."
)
# Most repositories have loaded by then.
_OTHERS_ANSWER_S = 3.0
_log = logging.getLogger(__name__)


def create_app(
    settings: Settings, shared_metrics: str | None = None, trials: Trials | None = None
) -> Direct:
    """The service over the models of `settings.models`; they load as the app starts.

    `shared_metrics` is a folder in which several workers count together; with `trials` versions
    are tried in another process first.
    """
    logs.configure(settings.log_level)
    register_segment()
    opened = partial(
        open_version,
        batching=_batching(settings),
        run_limit_s=settings.run_limit_s,
        watchdog=Watchdog(),
    )
    repository = ModelRepository(
        settings.models, opened, None if trials is None else trials.try_version
    )
    metrics, ids = Metrics(shared_metrics), RequestIds()
    loading = Loading(repository, trials, answers_meanwhile=settings.workers == 1)
    tally = Tally(metrics)
    metrics_routes = metrics_router(metrics, tally.settle)
    framework = _framework(settings, repository, metrics_routes, ids, loading)
    rows = RowHandlers(repository, row_limit=settings.row_limit)
    functions = EvaluationHandler(row_limit=settings.row_limit)
    handlers: dict[str, Handler] = {
        ":predict": rows.predict,
        ":activations": rows.hidden,
        ":evaluate": functions.evaluate,
    }
    endpoints = DirectEndpoints(
        handlers,
        ids=ids,
        metrics=metrics,
        body_limit_bytes=settings.body_limit_bytes,
        bodies=BodiesInFlight(settings.bodies_limit_bytes),
        tally=tally,
    )
    return Direct(framework, endpoints, cors=_cors(settings))


def _cors(settings: Settings) -> dict[str, Any] | None:
    """What pages of other origins may do, if there are any."""
    if not settings.cors_origin:
        return None
    return {
        "allow_origins": settings.cors_origin,
        "allow_methods": ("GET", "HEAD", "POST"),
        "allow_headers": ("*",),
        "expose_headers": ("X-Request-Id", "Retry-After"),
    }


def _batching(settings: Settings) -> Batching:
    named = {"off": 1, "auto": None}
    chosen = settings.batching
    rows = named[chosen] if chosen in named else int(chosen)
    return Batching(rows, settings.waiting_rows)


def _framework(
    settings: Settings,
    repository: ModelRepository[Predictor],
    metrics_routes: APIRouter,
    ids: RequestIds,
    loading: "Loading",
) -> FastAPI:
    app = FastAPI(
        title="mlpserve",
        version=VERSION,
        description=_DESCRIPTION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=loading.lifespan,
        generate_unique_id_function=documentation.operation_id,
    )
    routers = (
        health_router(repository),
        metrics_routes,
        models_router(repository),
        cards_router(repository),
        activations_router(row_limit=settings.row_limit),
    )
    for router in routers:
        app.include_router(router)
    documentation.install(app, repository)
    problems.install(app, Paths(routers))
    # The last one added is the outermost.
    app.add_middleware(Head)
    app.add_middleware(LastResort)
    if (cors := _cors(settings)) is not None:
        app.add_middleware(CORSMiddleware, **cors)
    app.add_middleware(RequestId, ids=ids)
    return app


@dataclass
class Loading:
    """Loads the models beside the event loop, in a thread that a stop does not wait for."""

    repository: ModelRepository[Predictor]
    trials: Trials | None
    answers_meanwhile: bool

    @asynccontextmanager
    async def lifespan(self, _app: FastAPI) -> AsyncIterator[None]:
        """Of one worker, answer at once; one of several lets the others answer for a while."""
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def load() -> None:
            self._load()
            # The loop may be gone by then.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(done.set)

        threading.Thread(target=load, name="loading", daemon=True).start()
        if not self.answers_meanwhile:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(done.wait(), _OTHERS_ANSWER_S)
        yield

    def _load(self) -> None:
        try:
            self.repository.load()
        except Exception:  # noqa: BLE001 - logged whole
            _log.critical("loading the models failed", exc_info=True)
        if self.trials is not None:
            self.trials.close()
        # What is here now stays: the collector need not walk it again while somebody waits.
        gc.collect()
        gc.freeze()
