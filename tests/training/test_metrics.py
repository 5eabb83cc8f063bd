"""Scores, held against scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from training.metrics import accuracy, confusion, log_loss, score


def _random(seed: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    probabilities = generator.dirichlet(np.full(classes, 0.3), 50).astype(np.float64)
    return probabilities, generator.integers(0, classes, 50)


@given(seed=st.integers(0, 10_000), classes=st.integers(2, 5))
def test_scores_are_scikit_learns(seed: int, classes: int) -> None:
    probabilities, truth = _random(seed, classes)
    predicted = probabilities.argmax(axis=1)

    scores = score(probabilities, truth, list(range(classes)))

    precision, recall, f1, rows = reference.precision_recall_fscore_support(
        truth, predicted, labels=range(classes), zero_division=0
    )
    assert scores.accuracy == pytest.approx(reference.accuracy_score(truth, predicted))
    assert [c.precision for c in scores.per_class] == pytest.approx(precision)
    assert [c.recall for c in scores.per_class] == pytest.approx(recall)
    assert [c.f1 for c in scores.per_class] == pytest.approx(f1)
    assert [c.rows for c in scores.per_class] == list(rows)


@given(seed=st.integers(0, 10_000), classes=st.integers(2, 5))
def test_log_loss_is_scikit_learns(seed: int, classes: int) -> None:
    probabilities, truth = _random(seed, classes)
    probabilities = np.maximum(probabilities, 1e-6)
    probabilities /= probabilities.sum(axis=1, keepdims=True)

    found = log_loss(probabilities, truth)

    assert found == pytest.approx(
        reference.log_loss(truth, probabilities, labels=list(range(classes))), rel=1e-9
    )


def test_log_loss_of_a_certain_mistake_is_finite() -> None:
    probabilities = np.array([[1.0, 0.0]], dtype=np.float32)

    assert log_loss(probabilities, np.array([1])) == pytest.approx(15.94, abs=0.01)


def test_confusion_counts_true_classes_in_rows() -> None:
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]])

    assert confusion(probabilities, np.array([0, 0, 1])).tolist() == [[1, 1], [0, 1]]


def test_of_equal_probabilities_the_first_class_is_predicted() -> None:
    assert accuracy(np.array([[0.5, 0.5]]), np.array([0])) == 1.0
