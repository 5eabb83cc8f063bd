"""Models and versions over JSON, in TensorFlow Serving's and KServe v1's words."""

import orjson

from service.inference.description import Description
from service.inference.predictor import Predictor
from service.model_repository.repository import ModelStatus, VersionStatus

Model = ModelStatus[Predictor]
Version = VersionStatus[Predictor]


def encode_models(models: tuple[Model, ...]) -> bytes:
    """Every model with the states of its versions."""
    return orjson.dumps({"models": [_model(model) for model in models]})


def encode_model(model: Model) -> bytes:
    """One model; it is ready when one of its versions is, and the newest of these is described."""
    newest = model.newest_ready
    return orjson.dumps({**_model(model), **_details(None if newest is None else newest.opened)})


def encode_version(model: Model, version: Version) -> bytes:
    """One version of a model."""
    return orjson.dumps(
        {
            "name": model.name,
            "ready": version.opened is not None,
            "model_version_status": [_version(version)],
            **_details(version.opened),
        }
    )


def _details(predictor: Predictor | None) -> dict[str, object]:
    if predictor is None:
        return dict.fromkeys(Description._fields)
    return predictor.description._asdict()


def _model(model: Model) -> dict[str, object]:
    return {
        "name": model.name,
        "ready": model.newest_ready is not None,
        "model_version_status": [_version(version) for version in reversed(model.versions)],
    }


def _version(version: Version) -> dict[str, object]:
    ready = version.opened is not None
    return {
        "version": str(version.number),
        "state": "AVAILABLE" if ready else "LOADING" if version.loading else "END",
        "status": {
            "error_code": "OK" if ready else "FAILED_PRECONDITION",
            "error_message": version.reason,
        },
    }
