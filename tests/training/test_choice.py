"""The simplest setting that is as good as the best."""

import pytest

from service.model_repository.provenance import SettingScore
from training.choice import choose, mean_and_error


def _setting(*losses: float, parameters: int, ended: str | None = None) -> SettingScore:
    mean, error = mean_and_error(losses)
    return SettingScore(
        values={},
        parameter_count=parameters,
        log_losses=losses,
        accuracies=tuple(0.5 for _ in losses),
        best_epochs=tuple(1 for _ in losses),
        mean_log_loss=mean,
        standard_error=error,
        ended=ended,
    )


def test_standard_error_is_that_of_a_mean() -> None:
    assert mean_and_error([1.0, 2.0, 3.0]) == pytest.approx((2.0, 1 / 3**0.5))


def test_smaller_network_within_one_standard_error_is_chosen() -> None:
    best = _setting(0.30, 0.40, 0.50, parameters=1000)
    near = _setting(0.31, 0.39, 0.515, parameters=100)

    assert choose([best, near]) == (0, 1)


def test_smaller_network_that_is_worse_on_every_fold_is_not() -> None:
    """How hard the folds are says nothing: here they differ by more than the settings do."""
    best = _setting(0.30, 0.40, 0.50, parameters=1000)
    worse = _setting(0.32, 0.42, 0.52, parameters=100)

    assert choose([best, worse]) == (0, 0)


def test_of_equal_size_the_lowest_mean_wins() -> None:
    settings = [
        _setting(0.31, 0.41, parameters=10),
        _setting(0.30, 0.40, parameters=10),
        _setting(0.30, 0.41, parameters=10),
    ]

    assert choose(settings) == (1, 1)


def test_setting_that_was_given_up_is_never_chosen() -> None:
    given_up = _setting(0.1, 0.1, parameters=1, ended="given up after 3 epochs")

    assert choose([given_up, _setting(0.5, 0.6, parameters=10)]) == (1, 1)


def test_nothing_is_chosen_where_every_setting_failed() -> None:
    assert choose([_setting(0.1, 0.2, parameters=1, ended="diverged")]) is None
