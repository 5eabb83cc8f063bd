"""Which versions are served, and what is said of the others."""

import shutil
from pathlib import Path

import pytest

from service import logs
from service.errors import ModelNotFound, NotReady, RepositoryInvalid, VersionNotFound
from service.inference.predictor import Predictor, open_version
from service.model_repository.layout import PublishedVersion
from service.model_repository.repository import ModelRepository
from tests.service.conftest import MODELS, edit_manifest


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

    with pytest.raises(ModelNotFound, match=r"no model 'letters' here; there are: digits$"):
        repository.version("letters")
    with pytest.raises(VersionNotFound, match=r"'digits' has no version 7; there are: 1$"):
        repository.version("digits", 7)


def test_of_many_models_a_few_are_named_and_the_one_that_was_meant(models: Path) -> None:
    for number in range(12):
        shutil.copytree(models / "digits", models / f"other-{number:02}")
    repository = _loaded(models)

    with pytest.raises(ModelNotFound) as caught:
        repository.version("Digit")

    assert str(caught.value) == (
        "there is no model 'Digit' here; there are: digits, other-00, other-01, other-02, "
        "other-03, other-04, other-05, other-06, other-07, other-08 and 3 more"
        '; did you mean "digits"?'
    )


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


def test_link_to_itself_in_place_of_a_version_or_model_has_its_reason(models: Path) -> None:
    (models / "digits/2").symlink_to("2")
    (models / "looping").symlink_to("looping")

    ModelRepository(models, open_version).check()
    repository = _loaded(models)

    assert repository.version("digits").number == 1
    assert "symbolic links" in repository.version_status("digits", 2).reason
    with pytest.raises(NotReady, match="no version of 'looping' is ready; its folder cannot be"):
        repository.version("looping")


@pytest.mark.parametrize("error", [MemoryError, RecursionError, OSError], ids=lambda e: e.__name__)
def test_whatever_is_wrong_with_one_version_the_others_are_served(
    error: type[Exception], models: Path
) -> None:
    shutil.copytree(models / "digits/1", models / "digits/2")

    def open_first(files: PublishedVersion) -> Predictor:
        if files.number == 2:
            raise error
        return open_version(files)

    repository = ModelRepository(models, open_first)
    repository.load()

    assert repository.version("digits").number == 1
    assert repository.version_status("digits", 2).reason == f"it cannot be loaded: {error.__name__}"


def test_version_serves_as_soon_as_it_has_loaded_and_the_newest_comes_first(models: Path) -> None:
    shutil.copytree(models / "digits/1", models / "digits/2")
    states: list[list[tuple[bool, bool]]] = []

    def open_noting(files: PublishedVersion) -> Predictor:
        versions = repository.model("digits").versions
        states.append([(v.loading, v.opened is not None) for v in versions])
        assert not repository.loaded
        assert not repository.ready
        return open_version(files)

    repository = ModelRepository(models, open_noting)
    repository.load()

    assert states == [[(True, False), (True, False)], [(True, False), (False, True)]]
    assert repository.ready


def test_repository_that_is_gone_when_it_loads_says_so(models: Path) -> None:
    repository = ModelRepository(models, open_version)
    shutil.rmtree(models)

    repository.load()

    assert not repository.ready
    with pytest.raises(NotReady, match="the model repository cannot be read: No such file"):
        repository.version("digits")


def test_what_a_manifest_says_cannot_forge_a_log_line_and_is_cut(
    models: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    forged = "2026-01-01 00:00:00,000 INFO service: all is well"
    edit_manifest(models / "digits/1", lambda m: m.update(name=f"x\n{forged}" + "y" * 2_000_000))
    shutil.copytree(MODELS / "digits/1", models / "keys/1")
    edit_manifest(
        models / "keys/1", lambda m: m.update({"name": "keys", f"x\r\n{forged}": 1, "z" * 10**6: 2})
    )
    logs.configure("info")

    repository = _loaded(models)

    lines = capfd.readouterr().err.splitlines()
    assert not [line for line in lines if line.startswith(forged)]
    assert max(map(len, lines)) < 1000
    for name in ("digits", "keys"):
        assert "\n" not in repository.model(name).versions[0].reason
        assert len(repository.model(name).versions[0].reason) < 500
