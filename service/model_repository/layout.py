"""Where a published version lies: <root>/<name>/<version>/{model.onnx, manifest.json}."""

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from service.errors import (
    ArtifactInvalid,
    BrokenVersion,
    CardNotFound,
    ChecksumMismatch,
    ManifestInvalid,
    ServiceError,
)
from service.model_repository.manifest import Manifest, parse_manifest

ARTIFACT = "model.onnx"
MANIFEST = "manifest.json"
CARD, PLOTS = "card.md", "plots"
# Every picture that a card may show; a version has those that there was something to draw for.
PICTURES = tuple(
    f"{name}.svg"
    for name in (
        "losses",
        "gradients",
        "selection",
        "learning-curve",
        "confusion",
        "classes",
        "reliability",
        "uncertainty",
        "weights",
        "hidden",
    )
)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_VERSION = re.compile(r"[1-9][0-9]{0,8}")
_LARGEST_MANIFEST = 64 * 2**20
_LARGEST_CARD, _LARGEST_PICTURE = 2**20, 4 * 2**20
# Protocol buffers, which an ONNX file is, end there.
_LARGEST_ARTIFACT = 2 * 2**30


class VersionFolder(NamedTuple):
    """A version that is there, and how many of its model are newer."""

    newer: int
    name: str
    number: int
    folder: Path


@dataclass(frozen=True)
class PublishedVersion:
    """One version's files, read and found to agree with each other."""

    number: int
    manifest: Manifest
    manifest_json: bytes
    artifact: bytes

    @property
    def fingerprint(self) -> str:
        """The same for the same files: the artifact's checksum is part of the manifest."""
        return hashlib.sha256(self.manifest_json).hexdigest()


def is_model_name(text: str) -> bool:
    """Whether a model may be called that: no path can be spelt with such a name."""
    return _NAME.fullmatch(text) is not None


def version_number(text: str) -> int | None:
    """The version that a folder or URL part names, or None if it names none."""
    return int(text) if _VERSION.fullmatch(text) else None


def model_folders(root: Path) -> Iterator[Path]:
    """The folders of `root` that are named as models may be, in order. Raises OSError."""
    for path in sorted(root.iterdir()):
        if is_model_name(path.name) and _is_folder(path):
            yield path


def version_folders(model: Path) -> dict[int, Path]:
    """The version folders of one model, oldest first: 10 is newer than 9. Raises OSError."""
    found = ((version_number(path.name), path) for path in model.iterdir() if _is_folder(path))
    return dict(sorted((number, path) for number, path in found if number is not None))


def read_version(folder: Path, *, root: Path, name: str, number: int) -> PublishedVersion:
    """Read a version and verify its checksum.

    Raises BrokenVersion for a folder outside `root` and for missing or changed files.
    """
    _inside(folder, "the folder", root=root, error=BrokenVersion)
    content = _read(folder / MANIFEST, root=root, error=ManifestInvalid, limit=_LARGEST_MANIFEST)
    manifest = parse_manifest(content)
    if manifest.name != name:
        raise ManifestInvalid(f"manifest.json is of the model '{manifest.name}', not '{name}'")
    limit = min(manifest.artifact.size_bytes, _LARGEST_ARTIFACT)
    artifact = _read(folder / ARTIFACT, root=root, error=ArtifactInvalid, limit=limit)
    digest = hashlib.sha256(artifact).hexdigest()
    if digest != manifest.artifact.sha256:
        raise ChecksumMismatch(
            f"model.onnx has the sha256 {digest[:12]}... and {len(artifact)} bytes; published were "
            f"{manifest.artifact.sha256[:12]}... and {manifest.artifact.size_bytes} bytes"
        )
    return PublishedVersion(number, manifest, content, artifact)


def read_card(root: Path, name: str, number: int) -> str:
    """The card of a published version, in Markdown. Raises CardNotFound."""
    path = root / name / str(number) / CARD
    return _read(path, root=root, error=CardNotFound, limit=_LARGEST_CARD).decode(errors="replace")


def read_picture(root: Path, name: str, number: int, picture: str) -> bytes:
    """A picture of a version's card, one of PICTURES, as SVG. Raises CardNotFound."""
    if picture not in PICTURES:
        raise CardNotFound(f"there is no picture '{picture[:64]}': {', '.join(PICTURES)}")
    path = root / name / str(number) / PLOTS / picture
    return _read(path, root=root, error=CardNotFound, limit=_LARGEST_PICTURE)


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except OSError:
        # Whoever opens it tells why that cannot be.
        return True


def _inside(path: Path, name: str, *, root: Path, error: type[ServiceError]) -> str:
    """Where the path leads, links followed."""
    try:
        real = os.path.realpath(path, strict=True)
    except OSError as exc:
        raise error(f"{name} cannot be read: {exc.strerror}") from exc
    if not Path(real).is_relative_to(root.resolve()):
        raise error(f"{name} lies outside of the model repository")
    return real


def _read(path: Path, *, root: Path, error: type[ServiceError], limit: int) -> bytes:
    """A regular file of at most so many bytes; anything else might never end."""
    real = _inside(path, path.name, root=root, error=error)
    try:
        # A pipe without a writer would keep the open waiting.
        opened = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            found = os.fstat(opened)
            if not stat.S_ISREG(found.st_mode):
                raise error(f"{path.name} is not a regular file")
            if found.st_size > limit:
                raise error(f"{path.name} has {found.st_size} bytes: expected at most {limit}")
            with os.fdopen(opened, "rb", closefd=False) as file:
                return file.read(found.st_size)
        finally:
            os.close(opened)
    except OSError as exc:
        raise error(f"{path.name} cannot be read: {exc.strerror}") from exc
