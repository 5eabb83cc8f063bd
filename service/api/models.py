"""/v1/models: which models are here, their cards, predictions, hidden representations."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from service.api import bodies
from service.api.metrics import Metrics
from service.api.requests import json_body, version_in_path
from service.codecs.json_hidden import decode_hidden, encode_hidden
from service.codecs.json_models import encode_model, encode_models, encode_version
from service.codecs.json_predict import decode_predict, encode_predictions
from service.inference.predictor import Predictor
from service.model_repository.manifest import Manifest
from service.model_repository.repository import ModelRepository

_MODEL = "/{name:segment}"
_VERSION = "/{name:segment}/versions/{version:segment}"


def models_router(
    repository: ModelRepository[Predictor], metrics: Metrics, *, row_limit: int
) -> APIRouter:
    """The endpoints under /v1/models."""
    router = APIRouter(prefix="/v1/models", tags=["models"])
    rows_problems = bodies.problems(400, 404, 413, 415, 422, 503)

    @router.get("", responses={200: {"model": bodies.ModelsAnswer}})
    async def list_models() -> Response:
        """Every model, its versions and their states."""
        return _json(encode_models(repository.models()))

    @router.get(_MODEL, responses={200: {"model": bodies.ModelAnswer}, **bodies.problems(404, 503)})
    async def show_model(name: str) -> Response:
        """One model's versions and their states."""
        return _json(encode_model(repository.model(name)))

    @router.get(
        _VERSION, responses={200: {"model": bodies.ModelAnswer}, **bodies.problems(404, 503)}
    )
    async def show_version(name: str, version: str) -> Response:
        """The state of one version."""
        status = repository.version_status(name, version_in_path(name, version))
        return _json(encode_version(repository.model(name), status))

    @router.get(_MODEL + "/card", responses={200: {"model": Manifest}, **bodies.problems(404, 503)})
    async def show_card(name: str) -> Response:
        """The manifest: signature, labels, hyperparameters, data, scores, checksums."""
        return _json(repository.version(name).manifest_json)

    @router.get(
        _VERSION + "/card", responses={200: {"model": Manifest}, **bodies.problems(404, 503)}
    )
    async def show_card_of_version(name: str, version: str) -> Response:
        """The manifest of one version."""
        return _json(repository.version(name, version_in_path(name, version)).manifest_json)

    @router.post(
        _MODEL + ":predict",
        openapi_extra=bodies.request_body(bodies.PredictBody),
        responses={200: {"model": bodies.PredictAnswer}, **rows_problems},
    )
    async def predict(request: Request, name: str) -> Response:
        """Classify rows with the newest version that is ready."""
        return await _predict(request, repository.version(name), metrics, row_limit)

    @router.post(
        _VERSION + ":predict",
        openapi_extra=bodies.request_body(bodies.PredictBody),
        responses={200: {"model": bodies.PredictAnswer}, **rows_problems},
    )
    async def predict_with_version(request: Request, name: str, version: str) -> Response:
        """Classify rows with one version."""
        chosen = repository.version(name, version_in_path(name, version))
        return await _predict(request, chosen, metrics, row_limit)

    @router.post(
        _MODEL + ":activations",
        openapi_extra=bodies.request_body(bodies.RowsBody),
        responses={200: {"model": bodies.HiddenAnswer}, **rows_problems},
    )
    async def hidden(request: Request, name: str) -> Response:
        """The hidden representations of rows, layer by layer, in the newest version."""
        return await _hidden(request, repository.version(name), row_limit)

    @router.post(
        _VERSION + ":activations",
        openapi_extra=bodies.request_body(bodies.RowsBody),
        responses={200: {"model": bodies.HiddenAnswer}, **rows_problems},
    )
    async def hidden_of_version(request: Request, name: str, version: str) -> Response:
        """The hidden representations of rows, layer by layer, in one version."""
        chosen = repository.version(name, version_in_path(name, version))
        return await _hidden(request, chosen, row_limit)

    return router


async def _predict(
    request: Request, chosen: Predictor, metrics: Metrics, row_limit: int
) -> Response:
    manifest = chosen.manifest
    decoded = decode_predict(
        await json_body(request),
        form=chosen.row_format,
        manifest=manifest,
        row_limit=row_limit,
    )
    others = chosen.other_categories(decoded.features)
    metrics.count_other_categories(manifest.name, chosen.number, others)
    options = decoded.options
    answer = encode_predictions(
        chosen.predict_with_uncertainty(decoded.features)
        if options.uncertainty
        else chosen.predict(decoded.features),
        name=manifest.name,
        version=chosen.number,
        labels=manifest.labels,
        options=options,
    )
    return _json(answer)


async def _hidden(request: Request, chosen: Predictor, row_limit: int) -> Response:
    manifest = chosen.manifest
    features = decode_hidden(await json_body(request), form=chosen.row_format, row_limit=row_limit)
    layers = chosen.hidden_layers(features)
    return _json(encode_hidden(layers, name=manifest.name, version=chosen.number))


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")
