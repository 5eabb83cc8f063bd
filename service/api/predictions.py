"""The handlers of rows: predictions, and the hidden representations."""

from collections.abc import Awaitable

from service.api.metrics import Metrics
from service.api.requests import version_in_path
from service.codecs.json_hidden import decode_hidden, encode_hidden
from service.codecs.json_options import Options
from service.codecs.json_predict import decode_predict, encode_predictions
from service.inference.features import Features, Floats
from service.inference.predictor import Predictor
from service.model_repository.repository import ModelRepository


class RowHandlers:
    """Rows of a request through a served version; costly runs wait for their turn in a thread."""

    def __init__(
        self, repository: ModelRepository[Predictor], metrics: Metrics, *, row_limit: int
    ) -> None:
        self._repository = repository
        self._metrics = metrics
        self._row_limit = row_limit

    def predict(self, name: str, version: str | None, body: bytes) -> bytes | Awaitable[bytes]:
        """Classify rows. Raises ServiceError."""
        chosen = self._version(name, version)
        manifest = chosen.manifest
        decoded = decode_predict(
            body, form=chosen.row_format, manifest=manifest, row_limit=self._row_limit
        )
        features, options = decoded.features, decoded.options
        if chosen.categories:
            others = chosen.other_categories(features)
            self._metrics.count_other_categories(manifest.name, chosen.number, others)
        rows = len(features)
        if chosen.scheduler.runs_at_once(rows):
            if rows == 1 and chosen.binds_rows and not options.uncertainty:
                return _predictions(chosen, chosen.run_row(features), options)
            wanted = chosen.prediction_outputs(uncertainty=options.uncertainty)
            return _predictions(chosen, chosen.model.run(features, wanted), options)
        return _predict_later(chosen, features, options)

    def hidden(self, name: str, version: str | None, body: bytes) -> bytes | Awaitable[bytes]:
        """The hidden representations of rows, layer by layer. Raises ServiceError."""
        chosen = self._version(name, version)
        features = decode_hidden(body, form=chosen.row_format, row_limit=self._row_limit)
        if chosen.scheduler.runs_at_once(len(features)):
            return _hidden(chosen, chosen.model.run(features, chosen.hidden_outputs))
        return _hidden_later(chosen, features)

    def _version(self, name: str, version: str | None) -> Predictor:
        number = None if version is None else version_in_path(name, version)
        return self._repository.version(name, number)


async def _predict_later(chosen: Predictor, features: Features, options: Options) -> bytes:
    wanted = chosen.prediction_outputs(uncertainty=options.uncertainty)
    return _predictions(chosen, await chosen.scheduler.run(features, wanted), options)


async def _hidden_later(chosen: Predictor, features: Features) -> bytes:
    return _hidden(chosen, await chosen.scheduler.run(features, chosen.hidden_outputs))


def _predictions(chosen: Predictor, outputs: list[Floats], options: Options) -> bytes:
    manifest = chosen.manifest
    return encode_predictions(
        chosen.predictions(outputs),
        name=manifest.name,
        version=chosen.number,
        labels=manifest.labels,
        options=options,
    )


def _hidden(chosen: Predictor, outputs: list[Floats]) -> bytes:
    layers = chosen.hidden_layers(outputs)
    return encode_hidden(layers, name=chosen.manifest.name, version=chosen.number)
