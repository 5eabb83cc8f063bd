"""What a client must know to ask a version."""

from typing import NamedTuple

from service.inference.dates import iso_text
from service.model_repository.example import example_body
from service.model_repository.manifest import Manifest
from service.model_repository.signature import Feature


class Description(NamedTuple):
    """Its labels, its features in the order of a row, and a body that `:predict` takes as it is."""

    labels: list[bool | int | str]
    features: list[dict[str, object]]
    example: dict[str, object]


def describe(manifest: Manifest) -> Description:
    """The description of a version; a date's range is text, as dates are in requests."""
    signature = manifest.signature
    features: list[dict[str, object]] = [
        {
            "name": feature.name,
            "dtype": feature.dtype,
            "minimum": _bound(feature, feature.minimum),
            "maximum": _bound(feature, feature.maximum),
            "categories": feature.categories,
            "may_be_missing": signature.may_be_missing(feature),
            "written": None if feature.written is None else feature.written.example[1],
        }
        for feature in signature.features
    ]
    return Description(list(manifest.labels), features, example_body(manifest))


def _bound(feature: Feature, bound: float | None) -> float | str | None:
    return iso_text(bound) if feature.dtype == "date" and bound is not None else bound
