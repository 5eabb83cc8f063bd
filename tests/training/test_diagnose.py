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

Fit = Callable[..., Diagnosis]


@pytest.fixture
def fit(tmp_path: Path) -> Fit:
    def fitted(**flags: Any) -> Diagnosis:
        config = read_config(None, {"models": tmp_path, "report": "none", **flags})
        found = run(config).manifest.diagnosis
        assert found is not None
        return found

    return fitted


def _names(diagnosis: Diagnosis) -> list[str]:
    return [finding.name for finding in diagnosis.findings]


def _noise(path: Path, rows: int) -> Path:
    generator = np.random.default_rng(0)
    np.savez(path, x=generator.normal(size=(rows, 20)), y=generator.integers(0, 3, rows))
    return path


def test_wide_net_on_noise_labels_overfits(fit: Fit, tmp_path: Path) -> None:
    found = fit(
        data=_noise(tmp_path / "noise.npz", 600), hidden=[512], dropout=[0.0], weight_decay=0
    )

    assert found.verdict == "overfitting"
    assert found.findings[0].numbers["last_training_loss"] < 0.5
    assert any("--dropout" in advice for advice in found.findings[0].advice)


def test_few_rows_of_a_class_are_too_little_data(fit: Fit, tmp_path: Path) -> None:
    found = fit(data=_noise(tmp_path / "few.npz", 90), hidden=[512], dropout=[0.0], weight_decay=0)

    assert found.verdict == "too little data"
    assert any("--learning-curve" in advice for advice in found.findings[0].advice)


def test_net_of_one_unit_underfits(fit: Fit) -> None:
    found = fit(dataset="digits", hidden=[1], dropout=[0.0], epochs=60)

    assert found.verdict == "underfitting"
    assert "--hidden 2" in found.findings[0].advice


def test_digits_are_well_fitted_by_the_defaults(fit: Fit) -> None:
    found = fit(dataset="digits")

    assert found.verdict == "well fitted"
    assert _names(found) == ["well fitted"]


def test_gradients_vanish_in_ten_sigmoid_layers(fit: Fit) -> None:
    found = fit(dataset="digits", hidden=[32] * 10, activation="sigmoid", dropout=[0.0], epochs=5)

    assert "vanishing gradients" in _names(found)
    (finding,) = (f for f in found.findings if f.name == "vanishing gradients")
    assert "--activation relu" in finding.advice


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
