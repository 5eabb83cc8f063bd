"""What can be varied, and how it is said."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.candidates import candidates, sized
from training.config_file import read_settings
from training.errors import ConfigInvalid
from training.search_space import Choices, Range, default_space, grid, parse_space, sample
from training.select_config import SelectConfig
from training.summary import value_text


def _config(*vary: str, **flags: object) -> SelectConfig:
    return read_settings(SelectConfig, None, {"vary": list(vary), **flags}).resolved()


def test_flags_and_files_say_the_same(tmp_path: Path) -> None:
    path = tmp_path / "select.toml"
    path.write_text(
        'vary = { dropout = [0, 0.5], hidden = [[64], [128, 64]], learning_rate = "0.001:0.1" }\n'
    )

    flags = _config("dropout=0,0.5", "hidden=64,128x64", "learning-rate=0.001:0.1")

    assert read_settings(SelectConfig, path, {}).vary == flags.vary
    assert flags.vary["learning_rate"] == Range(0.001, 0.1, is_log=True)
    assert flags.vary["hidden"] == Choices(([64], [128, 64]))


def test_grid_is_every_combination() -> None:
    found = grid(parse_space({"dropout": "0,0.5", "max_norm": "none,2"}))

    assert found == [
        {"dropout": 0.0, "max_norm": None},
        {"dropout": 0.0, "max_norm": 2.0},
        {"dropout": 0.5, "max_norm": None},
        {"dropout": 0.5, "max_norm": 2.0},
    ]


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 30))
def test_settings_at_random_are_different_and_in_range(seed: int, count: int) -> None:
    space = parse_space(
        {"learning_rate": "0.001:0.1", "dropout": "0:0.6", "activation": "relu,tanh"}
    )

    found = sample(space, count, seed)

    assert len(found) == count == len({str(values) for values in found})
    for values in found:
        assert 0.001 <= float(str(values["learning_rate"])) <= 0.1
        assert 0 <= float(str(values["dropout"])) <= 0.6
    assert found == sample(space, count, seed)


@given(
    low=st.floats(1e-6, 0.5),
    width=st.floats(1e-9, 0.4),
    share=st.floats(0, 1, exclude_max=True),
    is_log=st.booleans(),
)
def test_number_of_a_range_never_leaves_it(
    low: float, width: float, share: float, is_log: bool
) -> None:
    axis = Range(low, low + width, is_log)

    assert low <= axis.at(share) <= low + width


def test_values_that_agree_to_six_digits_are_told_apart() -> None:
    texts = [value_text(value) for value in (0.1234567, 0.1234568, 0.1, 1e-05, 2.0)]

    assert texts == ["0.1234567", "0.1234568", "0.1", "1e-05", "2"]


def test_small_space_gives_no_setting_twice() -> None:
    assert len(sample(parse_space({"dropout": "0,0.5"}), 10, seed=1)) == 2


@pytest.mark.parametrize("rows", [100, 5000, 60_000])
def test_default_space_makes_fits_that_are_valid(rows: int) -> None:
    config = sized(_config(), rows)

    found = candidates(config, default_space(rows), rows)

    assert len(found) == config.settings


def test_lists_alone_are_a_grid_and_ranges_are_drawn_from() -> None:
    assert _config("dropout=0,0.5").searched_by == "grid"
    assert _config("dropout=0:0.5").searched_by == "random"
    assert _config("dropout=0,0.5", settings=1).searched_by == "random"


@pytest.mark.parametrize(
    ("vary", "flags", "sentence"),
    [
        (["dropout"], {}, "vary: expected NAME=VALUES, such as dropout=0,0.5, got 'dropout'"),
        (["seed=1,2"], {}, "vary: expected one of hidden, activation, .* got 'seed'"),
        (["dropout=0.5:0.1"], {}, "vary: dropout: expected a rising range, got '0.5:0.1'"),
        (["learning_rate=0:1"], {}, "expected a rising range above 0, got '0:1'"),
        (["dropout=a:b"], {}, "expected a range such as 0.001:0.1, got 'a:b'"),
        (["dropout=0:1"], {"search": "grid"}, "--search grid: expected lists in --vary"),
        ([], {"search": "grid"}, "--search grid goes with --vary"),
        (["dropout=0"], {"search": "grid", "settings": 3}, "--settings goes with"),
        ([], {"storage": "sqlite://"}, "--storage goes with --search tpe"),
        ([], {"search": "tpe", "worker": True}, "--worker goes with --storage"),
        ([], {"folds": 11}, "--folds: expected less than or equal to 10, got 11"),
    ],
)
def test_what_does_not_fit_is_said(
    vary: list[str], flags: dict[str, object], sentence: str
) -> None:
    with pytest.raises(ConfigInvalid, match=sentence):
        _config(*vary, **flags)


@pytest.mark.parametrize(
    ("vary", "sentence"),
    [
        ("activation=relu,rleu", "--vary: activation: expected one of .*, got 'rleu'"),
        ("dropout=0,1.5", "--vary: dropout.*less than 1, got 1.5"),
        ("hidden=64,0", "--vary: hidden.*greater than or equal to 1, got 0"),
        ("hidden=64xx2", "--vary: hidden: expected whole numbers.*got ''"),
    ],
)
def test_value_that_fits_no_setting_is_said(vary: str, sentence: str) -> None:
    config = _config(vary)

    with pytest.raises(ConfigInvalid, match=sentence):
        candidates(config, config.vary, 100)
