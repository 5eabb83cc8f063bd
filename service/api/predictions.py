"""The handlers of rows: predictions, and the hidden representations."""

from functools import partial

from service.api.direct import Run
from service.api.requests import version_in_path
from service.codecs.json_hidden import decode_hidden, encode_hidden
from service.codecs.json_options import NO_OPTIONS, Options
from service.codecs.json_predict import decode_predict, encode_predictions
from service.inference.features import Features, Floats
from service.inference.predictor import Predictor
from service.model_repository.repository import ModelRepository

# What is chosen of a row takes as long as some of its numbers.
_NUMBERS_AN_OPTION = 20


class RowHandlers:
    """What the rows of a request are to be run through, and how the outputs are told."""

    def __init__(self, repository: ModelRepository[Predictor], *, row_limit: int) -> None:
        self._repository = repository
        self._row_limit = row_limit

    def predict(self, name: str, version: str | None, body: bytes) -> Run:
        """Classify rows. Raises ServiceError."""
        chosen = self._version(name, version)
        manifest = chosen.manifest
        features, options = decode_predict(
            body, form=chosen.row_format, manifest=manifest, row_limit=self._row_limit
        )
        wanted = chosen.prediction_outputs(uncertainty=options.uncertainty)
        warned = features if options.warnings else None
        encode = partial(_predictions, chosen, options, warned)
        return Run(chosen, features, wanted, encode, _written(options, features))

    def hidden(self, name: str, version: str | None, body: bytes) -> Run:
        """The hidden representations of rows, layer by layer. Raises ServiceError."""
        chosen = self._version(name, version)
        features = decode_hidden(body, form=chosen.row_format, row_limit=self._row_limit)
        wanted = chosen.hidden_outputs
        return Run(chosen, features, wanted, partial(_hidden, chosen))

    def _version(self, name: str, version: str | None) -> Predictor:
        number = None if version is None else version_in_path(name, version)
        return self._repository.version(name, number)


def _written(options: Options, features: Features) -> int:
    """What the options add to an answer, as so many numbers."""
    if options is NO_OPTIONS:
        return 0
    looked_at = features.numeric.size + features.categorical.size if options.warnings else 0
    return looked_at + _NUMBERS_AN_OPTION * len(features)


def _predictions(
    chosen: Predictor, options: Options, warned: Features | None, outputs: list[Floats]
) -> bytes:
    manifest = chosen.manifest
    return encode_predictions(
        chosen.predictions(outputs),
        name=manifest.name,
        version=chosen.number,
        labels=manifest.labels,
        options=options,
        warnings=None if warned is None else chosen.usual.warnings(warned),
    )


def _hidden(chosen: Predictor, outputs: list[Floats]) -> bytes:
    layers = chosen.hidden_layers(outputs)
    return encode_hidden(layers, name=chosen.manifest.name, version=chosen.number)
