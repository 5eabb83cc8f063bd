"""Quick references: what they reach where it is known, and that they stay quick."""

import numpy as np
import pytest
import torch

from training import parts
from training.inputs import Inputs, Rows
from training.references import quick_references


def _rows(encoded: np.ndarray, class_index: np.ndarray, codes: np.ndarray | None = None) -> Rows:
    known = np.zeros((len(encoded), 0)) if codes is None else codes
    return Rows(
        Inputs(
            torch.from_numpy(encoded.astype(np.float32)), torch.from_numpy(known.astype(np.int64))
        ),
        torch.from_numpy(class_index.astype(np.int64)),
    )


def _accuracies(training: Rows, judged: Rows, n_classes: int) -> dict[str, float]:
    references = quick_references(training, judged, n_classes, seed=1)
    return {found.name: found.answers.accuracy for found in references.found}


def _rings(rows: int, seed: int) -> Rows:
    generator = np.random.default_rng(seed)
    class_index = generator.integers(0, 2, rows)
    angle = generator.random(rows) * 2 * np.pi
    radius = 1 + class_index + generator.normal(size=rows) * 0.1
    return _rows(np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), class_index)


def test_rings_are_told_apart_by_neighbours_and_by_no_linear_model() -> None:
    found = _accuracies(_rings(500, 0), _rings(300, 1), 2)

    assert found["nearest neighbours"] > 0.95
    assert found["a linear model"] < 0.7


def test_categories_behind_an_embedding_are_known() -> None:
    codes = np.random.default_rng(0).integers(0, 200, 3000)
    class_index = codes % 2
    empty = np.zeros((3000, 0))
    rows = _rows(empty, class_index, codes[:, None])

    found = _accuracies(rows[slice(0, 2000)], rows[slice(2000, 3000)], 2)

    assert found["a linear model"] > 0.6


def test_wide_and_long_tables_are_sampled() -> None:
    generator = np.random.default_rng(0)
    rows = _rows(generator.normal(size=(8000, 4000)), generator.integers(0, 3, 8000))

    references = quick_references(rows, rows, 3, seed=1)

    assert len(references.scored) == 500
    assert [found.rows for found in references.found] == [500, 500]
    assert all(len(found.answers) == 500 for found in references.found)


def test_very_many_classes_have_no_linear_model() -> None:
    generator = np.random.default_rng(0)
    rows = _rows(generator.normal(size=(6000, 16)), np.arange(6000) % 3000)

    references = quick_references(rows, rows, 3000, seed=1)

    assert [found.name for found in references.found] == ["nearest neighbours"]


def test_same_rows_and_seed_give_the_same_references() -> None:
    first, second = (quick_references(_rings(400, 0), _rings(90, 1), 2, seed=3) for _ in "ab")

    for one, other in zip(first.found, second.found, strict=True):
        np.testing.assert_array_equal(one.answers.given, other.answers.given)


def test_neighbours_a_part_at_a_time_are_those_of_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = quick_references(_rings(400, 0), _rings(90, 1), 2, seed=3)

    monkeypatch.setattr(parts, "_VALUES_AT_ONCE", 2 * 7)

    some = quick_references(_rings(400, 0), _rings(90, 1), 2, seed=3)
    for one, other in zip(whole.found, some.found, strict=True):
        np.testing.assert_array_equal(one.answers.given, other.answers.given)
        np.testing.assert_array_equal(one.answers.named, other.answers.named)
