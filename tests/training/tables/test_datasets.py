"""The built-in data sets."""

from pathlib import Path

import numpy as np
import pytest

from training.errors import TableInvalid
from training.tables import datasets
from training.tables.datasets import load_dataset

needs_fashion_mnist = pytest.mark.skipif(
    not Path("/usr/share/datasets/fashion-mnist").is_dir(),
    reason="the Debian package dataset-fashion-mnist is not installed",
)


@pytest.mark.parametrize(
    ("name", "shape", "label"),
    [
        ("digits", (1797, 64), 0),
        ("iris", (150, 4), "setosa"),
        ("wine", (178, 13), "class_0"),
        ("breast-cancer", (569, 30), "malignant"),
    ],
)
def test_numeric_sets_are_scikit_learns(
    name: str, shape: tuple[int, int], label: int | str
) -> None:
    table = load_dataset(name)

    assert table.features.numeric.shape == shape
    assert table.labels[0] == label
    assert len({column.name for column in table.columns}) == shape[1]


def test_penguins_have_text_numbers_and_gaps() -> None:
    table = load_dataset("penguins")

    assert table.labels == ("Adelie", "Chinstrap", "Gentoo")
    assert np.bincount(table.class_index).tolist() == [152, 68, 124]
    kinds = {column.name: column.kind for column in table.columns}
    assert [name for name, kind in kinds.items() if kind == "category"] == ["island", "sex"]
    assert (table.features.categorical[:, 1] == "").sum() == 11
    assert np.isnan(table.features.numeric).sum() == 8


@needs_fashion_mnist
def test_fashion_mnist_comes_with_its_test_set() -> None:
    table = load_dataset("fashion-mnist")

    assert table.features.numeric.shape == (70_000, 784)
    assert table.test_rows == 10_000
    assert np.bincount(table.class_index).tolist() == [7_000] * 10
    assert table.labels[9] == "Ankle boot"


@needs_fashion_mnist
def test_fashion_128_is_the_average_over_windows_of_the_images() -> None:
    whole, pooled = load_dataset("fashion-mnist"), load_dataset("fashion-128")

    assert pooled.features.numeric.shape == (70_000, 128)
    image = whole.features.numeric[3].reshape(28, 28)
    # Row 5 of 16 covers rows 8 to 10 of 28, column 2 of 8 the columns 7 to 10.
    assert pooled.columns[5 * 8 + 2].name == "pixel_5_2"
    np.testing.assert_allclose(
        pooled.features.numeric[3, 5 * 8 + 2], image[8:11, 7:11].mean(), rtol=1e-6
    )


def test_set_that_is_not_installed_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(datasets, "_FASHION", tmp_path / "nothing")

    with pytest.raises(TableInvalid, match="apt-get install dataset-fashion-mnist"):
        load_dataset("fashion-mnist")
