"""The manifest: what it says can be relied on, or it is refused."""

import json
from typing import Any

import pytest

from service.errors import ManifestInvalid
from service.model_repository.layout import PublishedVersion
from service.model_repository.manifest import parse_manifest
from tests.service.conftest import Edit


def test_manifest_survives_writing_and_reading(digits: PublishedVersion) -> None:
    manifest = parse_manifest(digits.manifest_json)

    assert parse_manifest(manifest.model_dump_json().encode()) == manifest


def test_labels_keep_their_type(digits: PublishedVersion) -> None:
    content = json.loads(digits.manifest_json)
    content["labels"] = [str(label) for label in content["labels"]]
    for balance in content["table"]["class_balance"]:
        balance["label"] = str(balance["label"])

    manifest = parse_manifest(json.dumps(content).encode())

    assert manifest.labels[0] == "0"
    assert parse_manifest(digits.manifest_json).labels[0] == 0


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff"], ids=repr)
def test_content_that_is_no_json_object_is_refused(content: bytes) -> None:
    with pytest.raises(ManifestInvalid, match="is not a JSON object"):
        parse_manifest(content)


@pytest.mark.parametrize("found", [0, 1, "2", None], ids=repr)
def test_other_schema_version_is_refused_and_named(found: object, digits: PublishedVersion) -> None:
    content = json.loads(digits.manifest_json) | {"schema_version": found}

    with pytest.raises(ManifestInvalid, match=f"schema version {found!r}; this release reads 2"):
        parse_manifest(json.dumps(content).encode())


def _repeat_a_feature(manifest: dict[str, Any]) -> None:
    manifest["signature"]["features"][1] = manifest["signature"]["features"][0]


def _repeat_a_label(manifest: dict[str, Any]) -> None:
    manifest["labels"][1] = manifest["labels"][0]


def _shorten_a_golden_row(manifest: dict[str, Any]) -> None:
    manifest["golden"]["rows"][0].pop()


def _drop_a_golden_answer(manifest: dict[str, Any]) -> None:
    manifest["golden"]["probabilities"].pop()


def _mix_labels(manifest: dict[str, Any]) -> None:
    manifest["labels"][0] = "zero"


def _say_more(manifest: dict[str, Any]) -> None:
    manifest["more"] = 1


def _say_less(manifest: dict[str, Any]) -> None:
    del manifest["scores"]


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (_repeat_a_feature, "two features share a name"),
        (_repeat_a_label, "two labels are the same"),
        (_shorten_a_golden_row, "expected golden rows of 64 features"),
        (_drop_a_golden_answer, "expected 10 golden probabilities a row"),
        (_mix_labels, "labels"),
        (_say_more, "more"),
        (_say_less, "scores"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_manifest_that_contradicts_itself_is_refused(
    edit: Edit, message: str, digits: PublishedVersion
) -> None:
    content = json.loads(digits.manifest_json)
    edit(content)

    with pytest.raises(ManifestInvalid, match=message):
        parse_manifest(json.dumps(content).encode())


def test_manifest_of_the_schema_before_is_still_read(digits: PublishedVersion) -> None:
    """It says nothing of how the version was chosen and calibrated."""
    content = json.loads(digits.manifest_json) | {"schema_version": 2}
    for name in ("selection", "diagnosis", "calibration", "uncertainty", "learning_curve"):
        del content[name]
    del content["network"]["members"], content["network"]["masks"]
    del content["signature"]["uncertainty"]
    for epoch in content["history"]["epochs"]:
        del epoch["gradient_norms"]

    manifest = parse_manifest(json.dumps(content).encode())

    assert manifest.calibration is None
    assert manifest.network.members == 1
