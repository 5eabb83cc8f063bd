"""The leak guard and the eye for identifiers."""

import numpy as np
import pytest

from service.inference.features import Features
from training.guard import doubts
from training.inputs import Column
from training.tables.datasets import load_dataset


def _warned(numeric: np.ndarray, texts: list[list[str]], classes: np.ndarray) -> list[str]:
    columns = [Column(f"x{i}", "number") for i in range(numeric.shape[1])]
    columns += [Column(f"t{i}", "category") for i in range(len(texts))]
    cells = np.array(texts, dtype=object).T.reshape(len(numeric), len(texts))
    found = doubts(Features(numeric.astype(np.float32), cells), columns, classes, 3)
    return [doubt.sentence for doubt in found]


CLASSES = np.random.default_rng(0).integers(0, 3, 600)
NOISE = np.random.default_rng(1).standard_normal((600, 1))


def test_number_that_gives_the_label_away_is_told() -> None:
    found = _warned(np.hstack([NOISE, CLASSES[:, None] * 7.0]), [], CLASSES)

    assert len(found) == 1
    assert found[0].startswith("column 'x1' alone predicts the label almost perfectly (100.0%")
    assert found[0].endswith("--ignore 'x1' leaves it out")


def test_range_of_a_number_that_gives_the_label_away_is_told() -> None:
    close = CLASSES[:, None] * 10 + NOISE

    assert "'x0' alone predicts the label" in _warned(close, [], CLASSES)[0]


def test_category_that_gives_the_label_away_is_told() -> None:
    found = _warned(NOISE, [[f"group {c}" for c in CLASSES]], CLASSES)

    assert "'t0' alone predicts the label" in found[0]


def test_identifiers_are_told() -> None:
    numbers = np.hstack([NOISE, np.arange(600)[:, None] + 1000.0])

    found = _warned(numbers, [[f"customer {i}" for i in range(600)]], CLASSES)

    assert [warning.split("'")[1] for warning in found] == ["x1", "t0"]
    assert all("looks like an identifier" in warning for warning in found)


def test_one_long_text_costs_no_more_than_its_length() -> None:
    texts = ["short"] * 600
    texts[7] = "x" * 5_000_000

    assert _warned(NOISE, [texts], CLASSES) == []


@pytest.mark.parametrize("name", ["digits", "iris", "wine", "breast-cancer", "penguins"])
def test_real_tables_are_not_suspected(name: str) -> None:
    table = load_dataset(name)

    found = doubts(table.features, table.columns, table.class_index, len(table.labels))

    assert found == []
