"""/metrics: what Prometheus scrapes."""

from collections.abc import Mapping

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, generate_latest
from starlette.responses import Response


class Metrics:
    """The counters of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._other_categories = Counter(
            "mlpserve_other_categories",
            "Text cells of requests with a category that the model took for 'other': "
            "rare in its training rows, or never seen there",
            ["model", "version", "feature"],
            registry=self.registry,
        )

    def count_other_categories(self, model: str, version: int, cells: Mapping[str, int]) -> None:
        """Add to the counts of a model's text features."""
        for feature, count in cells.items():
            self._other_categories.labels(model, str(version), feature).inc(count)


def metrics_router(metrics: Metrics) -> APIRouter:
    """The endpoint /metrics."""
    router = APIRouter(tags=["operation"])

    @router.get("/metrics", response_class=Response, responses={200: {"content": _TEXT}})
    async def show_metrics() -> Response:
        """Prometheus text: cells whose category the model did not know."""
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return router


_TEXT = {"text/plain": {"schema": {"type": "string"}}}
