"""Which versions are served, and what is said of the others."""

import shutil
from pathlib import Path

import pytest

from service.errors import ModelNotFound, NotReady, RepositoryInvalid, VersionNotFound
from service.inference.predictor import Predictor, open_version
from service.model_repository.repository import ModelRepository


def _loaded(root: Path) -> ModelRepository[Predictor]:
    repository = ModelRepository(root, open_version)
    repository.load()
    return repository


def _break(version: Path) -> None:
    (version / "model.onnx").write_bytes(b"")


def test_newest_version_answers_when_none_is_named(models: Path) -> None:
    for number in ("9", "10"):
        shutil.copytree(models / "digits/1", models / "digits" / number)

    assert _loaded(models).version("digits").number == 10


def test_broken_newest_version_leaves_the_one_before_serving(models: Path) -> None:
    shutil.copytree(models / "digits/1", models / "digits/2")
    _break(models / "digits/2")

    repository = _loaded(models)

    assert repository.ready
    assert repository.version("digits").number == 1
    assert "sha256" in repository.version_status("digits", 2).reason


def test_model_without_a_sound_version_does_not_take_others_down(models: Path) -> None:
    shutil.copytree(models / "digits", models / "broken")

    repository = _loaded(models)

    assert not repository.ready
    assert repository.version("digits").number == 1
    with pytest.raises(NotReady, match="no version of 'broken' is ready; the newest: manifest"):
        repository.version("broken")


def test_broken_version_that_is_named_is_not_ready(models: Path) -> None:
    _break(models / "digits/1")

    with pytest.raises(NotReady, match=r"version 1 of 'digits' is not ready: model\.onnx has"):
        _loaded(models).version("digits", 1)


def test_before_loading_nothing_is_ready(models: Path) -> None:
    repository = ModelRepository(models, open_version)

    assert not repository.ready
    with pytest.raises(NotReady, match="still loading"):
        repository.version("digits")


def test_unknown_model_and_version_are_told_apart(models: Path) -> None:
    repository = _loaded(models)

    with pytest.raises(ModelNotFound, match="there is no model 'letters' here"):
        repository.version("letters")
    with pytest.raises(VersionNotFound, match="'digits' has no version 7; it has: 1"):
        repository.version("digits", 7)


@pytest.mark.parametrize("name", ["..", "../digits", "digits/1", "/etc", "digits\0"], ids=repr)
def test_name_that_spells_a_path_is_no_model(name: str, models: Path) -> None:
    with pytest.raises(ModelNotFound):
        _loaded(models).version(name)


def test_missing_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RepositoryInvalid, match="there is no model repository at"):
        ModelRepository(tmp_path / "none", open_version).check()


def test_repository_without_a_version_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "digits").mkdir()

    with pytest.raises(RepositoryInvalid, match="python -m training fit publishes one"):
        ModelRepository(tmp_path, open_version).check()


def test_read_only_repository_is_served(models: Path) -> None:
    for path in (models, *models.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)

    assert _loaded(models).ready
