"""Opening a published version by its folder, or the newest by that of its model."""

import shutil
from pathlib import Path

import pytest

from training.errors import TableInvalid
from training.finish import Run
from training.published import open_folder, version_folder


@pytest.fixture
def models(iris: Run, tmp_path: Path) -> Path:
    for version in ("2", "10"):
        shutil.copytree(iris.folder, tmp_path / "models/iris" / version)
    return tmp_path / "models"


def test_folder_of_a_model_opens_its_newest_version(models: Path) -> None:
    assert version_folder(models / "iris") == models / "iris/10"
    assert version_folder(models / "iris/2") == models / "iris/2"
    assert open_folder(models / "iris").manifest.name == "iris"


@pytest.mark.parametrize(
    ("asked", "instead"),
    [
        ("models/iris/3", "; of models/iris there are: 2, 10"),
        ("models/irs/2", '; did you mean "models/iris"?'),
        ("models/Iris", '; did you mean "models/iris"?'),
        ("models", "; of the models in it, name one: iris"),
        ("iris", '; did you mean "models/iris"?'),
        (
            "nowhere",
            ": expected a folder such as models/digits/1, or models/digits for its newest ",
        ),
    ],
)
def test_version_that_is_not_there_is_told_with_what_is(
    asked: str, instead: str, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(models.parent)

    with pytest.raises(TableInvalid) as caught:
        open_folder(Path(asked))

    assert f"{asked}: there is no published version{instead}" in str(caught.value)
