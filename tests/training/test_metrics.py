"""Scores, held against scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from training import metrics
from training.metrics import Answers, confusion, score


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


@given(
    seed=st.integers(0, 10_000), classes=st.integers(2, 5), ties=st.booleans(), absent=st.booleans()
)
def test_ranking_scores_are_scikit_learns(
    seed: int, classes: int, ties: bool, absent: bool
) -> None:
    probabilities, truth = _random(seed, classes)
    if ties:
        probabilities = np.round(probabilities, 1)
    if absent and classes > 2:
        truth[truth == 0] = 1
    present = [c for c in range(classes) if 0 < (truth == c).sum() < len(truth)]

    scores = score(probabilities, truth, list(range(classes)))

    columns = [(truth == c, probabilities[:, c]) for c in present]
    aucs = [reference.roc_auc_score(*column) for column in columns]
    precisions = [reference.average_precision_score(*column) for column in columns]
    per_class = [scores.per_class[c] for c in present]
    assert [c.roc_auc for c in per_class] == pytest.approx(aucs)
    assert [c.average_precision for c in per_class] == pytest.approx(precisions)
    if classes == 2:
        aucs, precisions = aucs[1:], precisions[1:]
    assert scores.roc_auc == pytest.approx(np.mean(aucs))
    assert scores.average_precision == pytest.approx(np.mean(precisions))
    assert scores.majority == reference.accuracy_score(truth, [np.bincount(truth).argmax()] * 50)


def test_rows_of_one_class_have_no_ranking_scores() -> None:
    scores = score(np.array([[0.9, 0.1], [0.6, 0.4]]), np.array([0, 0]), ["no", "yes"])

    assert (scores.roc_auc, scores.average_precision, scores.majority) == (None, None, 1.0)


def test_ranking_scores_of_very_many_probabilities_are_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(metrics, "_MOST_RANKED", 99)

    scores = score(*_random(0, 2), ["no", "yes"])

    assert scores.roc_auc is None
    assert all(row.average_precision is None for row in scores.per_class)
    assert scores.majority is not None


@pytest.mark.parametrize("most_ranked", [99, 10_000], ids=["not ranked", "ranked"])
def test_scores_of_parts_are_those_of_the_whole(
    monkeypatch: pytest.MonkeyPatch, most_ranked: int
) -> None:
    monkeypatch.setattr(metrics, "_MOST_RANKED", most_ranked)
    probabilities, truth = _random(0, 4)
    parts = (probabilities[start : start + 7] for start in range(0, 50, 7))

    assert score(parts, truth, list("abcd")) == score(probabilities, truth, list("abcd"))


@given(seed=st.integers(0, 10_000), classes=st.integers(2, 5))
def test_log_loss_is_scikit_learns(seed: int, classes: int) -> None:
    probabilities, truth = _random(seed, classes)
    probabilities = np.maximum(probabilities, 1e-6)
    probabilities /= probabilities.sum(axis=1, keepdims=True)

    found = Answers.of(probabilities, truth).log_loss

    assert found == pytest.approx(
        reference.log_loss(truth, probabilities, labels=list(range(classes))), rel=1e-9
    )


def test_log_loss_of_a_certain_mistake_is_finite() -> None:
    probabilities = np.array([[1.0, 0.0]], dtype=np.float32)

    assert Answers.of(probabilities, np.array([1])).log_loss == pytest.approx(15.94, abs=0.01)


def test_confusion_counts_true_classes_in_rows() -> None:
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]])

    assert confusion(probabilities, np.array([0, 0, 1])).tolist() == [[1, 1], [0, 1]]


def test_of_equal_probabilities_the_first_class_is_predicted() -> None:
    assert Answers.of(np.array([[0.5, 0.5]]), np.array([0])).accuracy == 1.0
