"""Settings of a run: from flags or a file, with a sentence for each mistake."""

from pathlib import Path
from typing import Any

import pytest

from training.config_file import presets, read_config
from training.errors import ConfigInvalid


def test_defaults_are_the_textbooks_network_on_digits() -> None:
    config = read_config(None, {}).resolved()

    assert (config.dataset, config.name) == ("digits", "digits")
    assert (config.hidden, config.activation, config.dropout) == ((64,), "relu", (0.5,))


def test_flags_overrule_the_file(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text('dataset = "wine"\nhidden = [32, 16]\nepochs = 5\n')

    config = read_config(path, {"epochs": "7"})

    assert (config.dataset, config.hidden, config.epochs) == ("wine", (32, 16), 7)


def test_model_is_named_after_the_file() -> None:
    config = read_config(None, {"data": "some/where/rows.csv.gz", "target": "y"})

    assert config.resolved().name == "rows"


def test_threads_that_nobody_asked_for_are_left_to_a_measurement() -> None:
    assert read_config(None, {}).resolved().threads is None


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"hidden": ["0"]}, "--hidden: expected greater than or equal to 1, got 0"),
        (
            {"hidden": ["many"]},
            "--hidden: expected whole numbers with blanks between them (128 64), got 'many'",
        ),
        ({"dropout": ["1.0"]}, "--dropout: expected less than 1, got 1.0"),
        ({"dropout": ["-0.1"]}, "--dropout: expected greater than or equal to 0, got -0.1"),
        ({"dropout": ["0.1", "0.2"]}, "--dropout: expected 1 rate, got 2"),
        ({"activation": "rellu"}, "--activation: expected one of relu, leaky_relu"),
        ({"dataset": "mnist"}, "--dataset: expected 'digits', 'iris', 'wine', 'breast-cancer',"),
        ({"learning_rate": "0"}, "--learning-rate: expected greater than 0, got 0"),
        ({"learning_rate": "nan"}, "--learning-rate: expected a finite number, got 'nan'"),
        ({"momentum": "1"}, "--momentum: expected less than 1"),
        ({"epochs": "0"}, "--epochs: expected greater than or equal to 1"),
        ({"batch_size": "0"}, "--batch-size: expected greater than or equal to 1"),
        ({"seed": "-1"}, "--seed: expected greater than or equal to 0"),
        ({"name": "../up"}, "--name: expected up to 64 letters"),
        ({"dataset": "iris", "numeric": ["a"]}, "--missing and --fold-case go with --data"),
        (
            {"data": "t.csv", "numeric": ["a"], "categorical": ["a", "b"]},
            "column 'a' is asked for as numeric and",
        ),
        ({"data": "x.csv", "target": "y", "ignore": ["y"]}, "--ignore names the target 'y'"),
        ({"delimiter": ", "}, "--delimiter: expected one ASCII character, or tab, got ', '"),
        (
            {"hidden": ["8", "8"], "dropout": ["0.1", "0.2", "0"]},
            "--dropout: expected 1 rate or 2, one for each hidden layer, got 3",
        ),
        ({"memory": "4"}, "--memory: expected 64KiB or more, such as 1.5GiB, got 4 bytes"),
        ({"memory": "much"}, "--memory: expected a size such as 1.5GiB, got 'much'"),
        ({"precision": "float16"}, "--precision: expected 'auto', 'float32' or 'bfloat16'"),
        (
            {"batch_normalisation": "perhaps"},
            "--batch-normalisation: expected true or false, got 'perhaps'",
        ),
        ({"target": "y"}, "--target goes with --data"),
        ({"data": "x.csv", "target": "y", "dataset": "iris"}, "either --dataset or --data"),
        ({"validation_fraction": "0.6", "test_fraction": "0.5"}, "less than 1 together, got 1.1"),
        ({"uncertainty": "1"}, "uncertainty: expected 0 or at least 2 masks, got 1"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_setting_that_does_not_fit_gets_a_sentence(flags: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        read_config(None, flags)

    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_mistake_is_said_at_once() -> None:
    with pytest.raises(ConfigInvalid) as caught:
        read_config(None, {"epochs": "0", "seed": "x"})

    assert "--epochs" in str(caught.value)
    assert "--seed" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("hiden = [64]", 'hiden: unknown setting; did you mean "hidden"?'),
        ("epochs = ", "is not TOML"),
        ("epochs = 0", "epochs: expected greater than or equal to 1, got 0"),
    ],
    ids=["unknown", "syntax", "value"],
)
def test_mistake_in_the_file_is_told(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "run.toml"
    path.write_text(content)

    with pytest.raises(ConfigInvalid) as caught:
        read_config(path, {})

    assert message in str(caught.value)


def test_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match=r"run\.toml: there is no such file"):
        read_config(tmp_path / "run.toml", {})


def test_file_whose_name_no_model_can_have_needs_a_name() -> None:
    config = read_config(None, {"data": "my rows.csv", "target": "y"})

    with pytest.raises(ConfigInvalid, match="--name gives it another name"):
        config.resolved()


def test_weight_decay_of_0_is_none_at_all() -> None:
    assert read_config(None, {"weight_decay": "0"}).resolved().weight_decay == 0


@pytest.mark.parametrize("preset", presets())
def test_every_preset_is_a_valid_run(preset: str) -> None:
    config = read_config(None, {}, preset).resolved()

    assert config.dataset in ("digits", "fashion-mnist", "fashion-128")


def test_seed_preset_is_the_textbooks_network_on_128_features() -> None:
    config = read_config(None, {}, "seed").resolved()

    assert (config.dataset, config.name) == ("fashion-128", "fashion-128")
    assert (config.hidden, config.activation, config.dropout) == ((64,), "relu", (0.5,))


def test_flags_overrule_the_file_and_the_file_the_preset(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text("epochs = 5\nhidden = [8]\n")

    config = read_config(path, {"hidden": ["9"]}, "seed")

    assert (config.dataset, config.epochs, config.hidden) == ("fashion-128", 5, (9,))


def test_other_data_takes_the_rest_of_a_preset() -> None:
    config = read_config(None, {"data": "rows.csv", "target": "y"}, "seed").resolved()

    assert (config.dataset, config.name, config.dropout) == (None, "rows", (0.5,))


def test_memory_is_read_with_its_unit() -> None:
    assert read_config(None, {"memory": "1.5GiB"}).memory == 1.5 * 2**30
