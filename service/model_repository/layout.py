"""Where a published version lies: <root>/<name>/<version>/{model.onnx, manifest.json}."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from service.errors import ArtifactInvalid, BrokenVersion, ChecksumMismatch, ManifestInvalid
from service.model_repository.manifest import Manifest, parse_manifest

ARTIFACT = "model.onnx"
MANIFEST = "manifest.json"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_VERSION = re.compile(r"[1-9][0-9]{0,8}")


@dataclass(frozen=True)
class PublishedVersion:
    """One version's files, read and found to agree with each other."""

    number: int
    manifest: Manifest
    manifest_json: bytes
    artifact: bytes


def is_model_name(text: str) -> bool:
    """Whether a model may be called that: no path can be spelt with such a name."""
    return _NAME.fullmatch(text) is not None


def version_number(text: str) -> int | None:
    """The version that a folder or URL part names, or None if it names none."""
    return int(text) if _VERSION.fullmatch(text) else None


def model_folders(root: Path) -> Iterator[Path]:
    """The folders of `root` that are named as models may be, in order."""
    for path in sorted(root.iterdir()):
        if is_model_name(path.name) and path.is_dir():
            yield path


def version_folders(model: Path) -> dict[int, Path]:
    """The version folders of one model, oldest first: 10 is newer than 9."""
    found = ((version_number(path.name), path) for path in model.iterdir() if path.is_dir())
    return dict(sorted((number, path) for number, path in found if number is not None))


def read_version(folder: Path, *, root: Path, name: str, number: int) -> PublishedVersion:
    """Read a version and verify its checksum.

    Raises BrokenVersion for a folder outside `root` and for missing or changed files.
    """
    if not folder.resolve().is_relative_to(root.resolve()):
        raise BrokenVersion("the folder lies outside of the model repository")
    content = _read(folder / MANIFEST, root=root, error=ManifestInvalid)
    manifest = parse_manifest(content)
    if manifest.name != name:
        raise ManifestInvalid(f"manifest.json is of the model '{manifest.name}', not '{name}'")
    artifact = _read(folder / ARTIFACT, root=root, error=ArtifactInvalid)
    digest = hashlib.sha256(artifact).hexdigest()
    if digest != manifest.artifact.sha256:
        raise ChecksumMismatch(
            f"model.onnx has the sha256 {digest[:12]}... and {len(artifact)} bytes; published were "
            f"{manifest.artifact.sha256[:12]}... and {manifest.artifact.size_bytes} bytes"
        )
    return PublishedVersion(number, manifest, content, artifact)


def _read(path: Path, *, root: Path, error: type[BrokenVersion]) -> bytes:
    if not path.resolve().is_relative_to(root.resolve()):
        raise error(f"{path.name} lies outside of the model repository")
    try:
        return path.read_bytes()
    except OSError as exc:
        raise error(f"{path.name} cannot be read: {exc.strerror}") from exc
