"""The diagnosis is right where the answer is known."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.model_repository.provenance import Diagnosis
from training.config_file import read_config
from training.errors import Diverged
from training.pipeline import run
from training.tables.datasets import load_dataset

Fit = Callable[..., Diagnosis]


@pytest.fixture
def fit(tmp_path: Path) -> Fit:
    def fitted(**flags: Any) -> Diagnosis:
        config = read_config(
            None, {"models": tmp_path, "report": "none", "threads": 1, **flags}, "textbook"
        )
        found = run(config).manifest.diagnosis
        assert found is not None
        return found

    return fitted


def _names(diagnosis: Diagnosis) -> list[str]:
    return [finding.name for finding in diagnosis.findings]


def _digits(path: Path, change: Callable[[np.random.Generator, np.ndarray], np.ndarray]) -> Path:
    table = load_dataset("digits")
    labels = change(np.random.default_rng(0), table.class_index.copy())
    np.savez(path, x=table.features.numeric, y=labels)
    return path


def _with_noise(generator: np.random.Generator, labels: np.ndarray) -> np.ndarray:
    noisy: np.ndarray = generator.random(len(labels)) < 0.4
    return np.where(noisy, generator.integers(0, 10, len(labels)), labels)


def _rare(path: Path, apart: float) -> Path:
    generator = np.random.default_rng(0)
    labels = (generator.random(2000) < 0.03).astype(np.int64)
    x = generator.normal(size=(2000, 6))
    x[:, 0] += apart * labels
    np.savez(path, x=x, y=labels)
    return path


def _letters(path: Path) -> Path:
    """26 classes of four clusters each in 16 dimensions."""
    generator = np.random.default_rng(3)
    centres = generator.normal(size=(26, 4, 16))
    labels = generator.integers(0, 26, 4000)
    clusters = centres[labels, generator.integers(0, 4, 4000)]
    np.savez(path, x=clusters + generator.normal(size=(4000, 16)) * 0.55, y=labels)
    return path


def test_digits_are_well_fitted_by_the_defaults(fit: Fit) -> None:
    found = fit(dataset="digits")

    assert found.verdict == "well fitted"
    assert _names(found) == ["well fitted"]
    assert [reference.name for reference in found.references] == [
        "a linear model",
        "nearest neighbours",
    ]
    assert all(reference.accuracy > 0.9 for reference in found.references)


def test_two_hidden_units_underfit_where_a_linear_model_does_not(fit: Fit) -> None:
    found = fit(dataset="digits", hidden=[2])

    assert found.verdict == "underfitting"
    assert "--hidden 4" in found.findings[0].advice


def test_net_of_one_unit_underfits(fit: Fit) -> None:
    found = fit(dataset="digits", hidden=[1], dropout=[0.0], epochs=60)

    assert found.verdict == "underfitting"
    assert "--hidden 2" in found.findings[0].advice


def test_26_classes_with_64_units_are_behind_their_neighbours(fit: Fit, tmp_path: Path) -> None:
    found = fit(data=_letters(tmp_path / "letters.npz"), epochs=120)

    assert found.verdict == "underfitting"
    assert "nearest neighbours, fitted in passing, is right on 98" in found.findings[0].sentence


@pytest.mark.parametrize(
    "flags", [{}, {"hidden": [512], "dropout": [0.0], "weight_decay": 0}], ids=["default", "wide"]
)
def test_shuffled_labels_are_no_better_than_guessing(
    flags: dict[str, Any], fit: Fit, tmp_path: Path
) -> None:
    shuffled = _digits(tmp_path / "shuffled.npz", lambda g, labels: g.permutation(labels))

    found = fit(data=shuffled, **flags)

    assert found.verdict == "no better than guessing"
    assert found.findings[0].name == "nothing to learn"
    assert not any(advice.startswith("--") for advice in found.findings[0].advice)


def test_noise_labels_are_well_fitted_by_the_defaults_with_a_word_on_noise(
    fit: Fit, tmp_path: Path
) -> None:
    found = fit(data=_digits(tmp_path / "noisy.npz", _with_noise))

    assert found.verdict == "well fitted"
    assert "labels may be noisy" in found.findings[0].sentence


def test_wide_net_on_noise_labels_overfits(fit: Fit, tmp_path: Path) -> None:
    noisy = _digits(tmp_path / "noisy.npz", _with_noise)

    found = fit(data=noisy, hidden=[512], dropout=[0.0], weight_decay=0)

    assert found.verdict == "overfitting"
    assert any("--dropout" in advice for advice in found.findings[0].advice)


def test_rare_class_that_is_never_named_is_no_good_fit(fit: Fit, tmp_path: Path) -> None:
    found = fit(data=_rare(tmp_path / "rare.npz", apart=1.2))

    assert found.verdict == "no better than guessing"


def test_rare_class_that_is_found_is_well_fitted(fit: Fit, tmp_path: Path) -> None:
    found = fit(data=_rare(tmp_path / "found.npz", apart=5.0))

    assert found.verdict == "well fitted"


def test_learning_rate_of_a_hundred_thousandth_is_not_trained_yet(fit: Fit) -> None:
    found = fit(dataset="digits", learning_rate=1e-5, epochs=60)

    assert found.verdict == "underfitting"
    assert found.findings[0].name == "not trained yet"
    assert "--learning-rate 0.001" in found.findings[0].advice


def test_sixty_rows_are_too_little_data(fit: Fit, tmp_path: Path) -> None:
    table = load_dataset("digits")
    np.savez(tmp_path / "sixty.npz", x=table.features.numeric[:60], y=table.class_index[:60])

    found = fit(data=tmp_path / "sixty.npz")

    assert found.verdict == "too little data"
    assert "more rows" in found.findings[0].advice


def test_few_rows_of_a_class_are_too_little_data(fit: Fit, tmp_path: Path) -> None:
    table = load_dataset("digits")
    labels = _with_noise(np.random.default_rng(0), table.class_index[:300])
    np.savez(tmp_path / "few.npz", x=table.features.numeric[:300], y=labels)

    found = fit(data=tmp_path / "few.npz", hidden=[512], dropout=[0.0], weight_decay=0)

    assert found.verdict == "too little data"
    assert "select --learning-curve" in found.findings[0].advice


def test_ten_sigmoid_layers_name_the_gradient_as_the_cause(fit: Fit) -> None:
    found = fit(dataset="digits", hidden=[32] * 10, activation="sigmoid", dropout=[0.0], epochs=5)

    assert found.verdict == "no better than guessing"
    assert _names(found)[0] == "vanishing gradients"
    assert "--activation relu" in found.findings[0].advice


def test_column_that_gives_the_label_away_takes_the_praise_away(fit: Fit, tmp_path: Path) -> None:
    table = load_dataset("digits")
    leaky = np.hstack([table.features.numeric, 7.0 * table.class_index[:, None]])
    np.savez(tmp_path / "leaky.npz", x=leaky, y=table.class_index)

    found = fit(data=tmp_path / "leaky.npz", epochs=40)

    assert found.verdict == "suspected leak"
    assert "alone predicts the label almost perfectly" in found.findings[0].sentence


@pytest.mark.parametrize("optimiser", ["sgd", "adamw"])
def test_learning_rate_of_100_is_told_after_the_first_epoch(fit: Fit, optimiser: str) -> None:
    with pytest.raises(Diverged, match="in epoch 1: the learning rate of 100 is too large"):
        fit(dataset="digits", learning_rate=100, optimiser=optimiser)


def test_half_of_four_units_is_too_little_for_dropout(
    fit: Fit, capsys: pytest.CaptureFixture[str]
) -> None:
    found = fit(dataset="iris", hidden=[4], dropout=[0.5], epochs=5)

    assert "too small for dropout" in _names(found)
    assert "note: too small for dropout: dropout of 0.5 leaves 2 of 4" in capsys.readouterr().err


def test_dropout_with_batch_normalisation_is_warned_of(fit: Fit) -> None:
    found = fit(dataset="iris", batch_normalisation=True, epochs=5)

    (finding,) = (f for f in found.findings if f.name == "dropout with batch normalisation")
    assert "variance" in finding.sentence


def test_dead_units_are_counted(fit: Fit) -> None:
    found = fit(dataset="digits", activation="relu", learning_rate=0.6, epochs=8, dropout=[0.0])

    assert "dead units" in _names(found)


def test_best_epoch_at_the_end_asks_for_more(fit: Fit) -> None:
    found = fit(dataset="digits", epochs=6)

    (finding,) = (f for f in found.findings if f.name == "stopped early")
    assert finding.advice == ("--epochs 12",)
