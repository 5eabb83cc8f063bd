"""Names, versions, and files that must lie inside of the repository."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from service.errors import ArtifactInvalid, BrokenVersion, ChecksumMismatch, ManifestInvalid
from service.model_repository.layout import (
    is_model_name,
    model_folders,
    read_version,
    version_folders,
    version_number,
)


@pytest.mark.parametrize("name", ["digits", "a", "A.b-c_9", "0", "x" * 64])
def test_sane_names_are_names(name: str) -> None:
    assert is_model_name(name)


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", ".hidden", "-x", "a/b", "/etc", "a\\b", "a\0", "a b", "é", "x" * 65, "a\n"],
    ids=repr,
)
def test_no_path_can_be_spelt_with_a_name(name: str) -> None:
    assert not is_model_name(name)


@pytest.mark.parametrize(
    ("text", "number"), [("1", 1), ("10", 10), ("999999999", 999999999)], ids=str
)
def test_version_is_a_whole_number(text: str, number: int) -> None:
    assert version_number(text) == number


@pytest.mark.parametrize(
    "text", ["", "0", "01", "-1", "1.0", "v1", " 1", "1\n", "٣", "1" * 10], ids=repr
)
def test_other_text_names_no_version(text: str) -> None:
    assert version_number(text) is None


def test_version_10_is_newer_than_9(tmp_path: Path) -> None:
    for name in ("10", "9", "1", ".publishing-x", "latest"):
        (tmp_path / name).mkdir()
    (tmp_path / "11").write_text("a file is no version")

    assert list(version_folders(tmp_path)) == [1, 9, 10]


def test_folders_without_a_models_name_are_passed_over(tmp_path: Path) -> None:
    for name in ("b", "a", ".git", "with space"):
        (tmp_path / name).mkdir()
    (tmp_path / "README.md").write_text("")

    assert [path.name for path in model_folders(tmp_path)] == ["a", "b"]


def test_version_is_read_whole(models: Path) -> None:
    version = read_version(models / "digits/1", root=models, name="digits", number=1)

    assert version.number == 1
    assert version.manifest.name == "digits"
    assert len(version.artifact) == version.manifest.artifact.size_bytes


@pytest.mark.parametrize(
    ("file", "error"),
    [("manifest.json", ManifestInvalid), ("model.onnx", ArtifactInvalid)],
)
def test_missing_file_is_named_without_its_path(
    file: str, error: type[BrokenVersion], models: Path
) -> None:
    (models / "digits/1" / file).unlink()

    with pytest.raises(error) as caught:
        read_version(models / "digits/1", root=models, name="digits", number=1)

    assert str(caught.value) == f"{file} cannot be read: No such file or directory"


@pytest.mark.parametrize("content", [b"", b"foreign"], ids=["truncated", "foreign"])
def test_changed_artifact_is_told_by_its_checksum(content: bytes, models: Path) -> None:
    (models / "digits/1/model.onnx").write_bytes(content)

    with pytest.raises(ChecksumMismatch, match=f"{len(content)} bytes; published were"):
        read_version(models / "digits/1", root=models, name="digits", number=1)


def test_version_of_another_model_is_refused(models: Path) -> None:
    (models / "digits").rename(models / "letters")

    with pytest.raises(ManifestInvalid, match="is of the model 'digits', not 'letters'"):
        read_version(models / "letters/1", root=models, name="letters", number=1)


def test_folder_that_leads_outside_is_refused(models: Path, tmp_path: Path) -> None:
    shutil.copytree(models / "digits/1", tmp_path / "elsewhere")
    (models / "digits/2").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(BrokenVersion, match="lies outside of the model repository"):
        read_version(models / "digits/2", root=models, name="digits", number=2)


def test_file_that_leads_outside_is_refused(models: Path, tmp_path: Path) -> None:
    artifact = models / "digits/1/model.onnx"
    artifact.rename(tmp_path / "elsewhere.onnx")
    artifact.symlink_to(tmp_path / "elsewhere.onnx")

    with pytest.raises(ArtifactInvalid, match=r"model\.onnx lies outside"):
        read_version(models / "digits/1", root=models, name="digits", number=1)


def _linked_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


def _a_pipe(path: Path) -> None:
    os.mkfifo(path)


def _a_folder(path: Path) -> None:
    path.mkdir()


def _with_a_hole(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**40)


@pytest.mark.parametrize("file", ["manifest.json", "model.onnx"])
@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (_linked_to_itself, "cannot be read: Too many levels of symbolic links"),
        (_a_pipe, "is not a regular file"),
        (_a_folder, "is not a regular file"),
        (_with_a_hole, "has 1099511627776 bytes: expected at most"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_is_no_regular_file_of_bounded_size_is_refused(
    make: Callable[[Path], None], sentence: str, file: str, models: Path
) -> None:
    path = models / "digits/1" / file
    path.unlink()
    make(path)

    with pytest.raises(BrokenVersion, match=f"{file} {sentence}"):
        read_version(models / "digits/1", root=models, name="digits", number=1)


def test_folder_that_links_to_itself_is_refused(models: Path) -> None:
    (models / "digits/2").symlink_to("2")

    with pytest.raises(BrokenVersion, match="the folder cannot be read: Too many levels"):
        read_version(models / "digits/2", root=models, name="digits", number=2)
