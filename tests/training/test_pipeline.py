"""The whole run, on real data."""

from pathlib import Path

import numpy as np
import pytest

from service import VERSION
from service.model_repository.layout import ARTIFACT
from training.config_file import read_config
from training.finish import Run
from training.pipeline import run
from training.published import open_folder
from training.split import stratified_split
from training.tables.datasets import load_dataset


def test_same_config_gives_the_same_model_file_byte_for_byte(tmp_path: Path) -> None:
    config = read_config(None, {"dataset": "wine", "models": tmp_path, "epochs": 15})

    first, second = run(config), run(config)

    assert (first.folder.name, second.folder.name) == ("1", "2")
    assert (first.folder / ARTIFACT).read_bytes() == (second.folder / ARTIFACT).read_bytes()


def test_settings_in_the_manifest_give_the_same_model_again(iris: Run, tmp_path: Path) -> None:
    again = run(read_config(None, {**iris.manifest.settings, "models": tmp_path}))

    assert again.manifest.artifact == iris.manifest.artifact


@pytest.mark.parametrize(
    ("flags", "decay"),
    [({}, 0.003), ({"optimiser": "adamw"}, 0.01), ({"weight_decay": 0}, 0)],
    ids=["sgd", "adamw", "none"],
)
def test_default_weight_decay_suits_the_optimiser(
    flags: dict[str, object], decay: float, tmp_path: Path
) -> None:
    config = {"dataset": "iris", "models": tmp_path, "epochs": 1, **flags}

    settings = run(read_config(None, config)).manifest.settings

    assert settings["weight_decay"] == decay


def test_penguins_are_learned_with_their_text_and_gaps(penguins: Run) -> None:
    signature, scores = penguins.manifest.signature, penguins.manifest.scores

    assert signature.inputs == {"numeric": 5, "categorical": 2}
    assert signature.features[0].categories == ("Biscoe", "Dream", "Torgersen")
    assert signature.features[5].missing > 0
    assert scores.test.accuracy >= 0.95


def test_manifest_counts_every_row_once(iris: Run) -> None:
    described = iris.manifest.table

    assert sum(described.rows.values()) == 150
    per_class = [c.training + c.validation + c.test for c in described.class_balance]
    assert per_class == [50, 50, 50]
    assert described.fingerprint == load_dataset("iris").fingerprint


def test_scores_are_those_of_the_published_artifact_on_the_test_rows(iris: Run) -> None:
    table = load_dataset("iris")
    settings = iris.manifest.settings
    split = stratified_split(
        table.class_index,
        table.labels,
        validation_fraction=float(str(settings["validation_fraction"])),
        test_fraction=float(str(settings["test_fraction"])),
        seed=int(str(settings["seed"])),
    )

    predictions = open_folder(iris.folder).predict(table.features[split.test])

    right = predictions.class_index == table.class_index[split.test]
    assert iris.manifest.scores.test.accuracy == right.mean()
    assert iris.manifest.scores.test.rows == len(split.test)


def test_nothing_is_learned_from_test_rows(tmp_path: Path, two_blobs: Path) -> None:
    flags = {"data": two_blobs, "target": "place", "epochs": 5, "name": "m"}
    first = run(read_config(None, {**flags, "models": tmp_path / "a"}))
    lines = two_blobs.read_text().splitlines()
    labels = np.array([line.endswith("near") for line in lines[1:]]).astype(np.int64)
    split = stratified_split(
        labels, ("far", "near"), validation_fraction=0.15, test_fraction=0.2, seed=1
    )
    for row in split.test:
        lines[row + 1] = "1000,-1000," + lines[row + 1].rsplit(",", 1)[1]
    two_blobs.write_text("\n".join(lines) + "\n")

    second = run(read_config(None, {**flags, "models": tmp_path / "b"}))

    assert first.manifest.table.fingerprint != second.manifest.table.fingerprint
    assert first.manifest.artifact == second.manifest.artifact


def test_manifest_says_which_release_trained_the_version(iris: Run) -> None:
    assert iris.manifest.environment["mlpserve"] == VERSION
