"""Models and versions over JSON, in TensorFlow Serving's and KServe v1's words."""

import orjson

from service.inference.dates import iso_text
from service.inference.predictor import Predictor
from service.model_repository.example import example_body
from service.model_repository.manifest import Manifest
from service.model_repository.repository import ModelStatus, VersionStatus
from service.model_repository.signature import Feature

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
        return {"labels": None, "features": None, "example": None}
    manifest = predictor.manifest
    return {
        "labels": manifest.labels,
        "features": _features(manifest),
        "example": example_body(manifest),
    }


def _features(manifest: Manifest) -> list[dict[str, object]]:
    signature = manifest.signature
    return [
        {
            "name": feature.name,
            "dtype": feature.dtype,
            "minimum": _bound(feature, feature.minimum),
            "maximum": _bound(feature, feature.maximum),
            "categories": feature.categories,
            "may_be_missing": signature.may_be_missing(feature),
        }
        for feature in signature.features
    ]


def _bound(feature: Feature, bound: float | None) -> float | str | None:
    return iso_text(bound) if feature.dtype == "date" and bound is not None else bound


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
