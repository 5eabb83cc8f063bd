"""What the command line says to a slip of the hand: one sentence, with what was meant."""

from pathlib import Path

import pytest

from training.__main__ import main
from training.config_file import read_config, read_settings
from training.errors import ConfigInvalid
from training.select_config import SelectConfig

Capture = pytest.CaptureFixture[str]

SENTENCES = {
    "fit --dropout 1.5": "--dropout: expected less than 1, got 1.5",
    "fit --hidden 64,32": (
        "--hidden: expected whole numbers with blanks between them (64 32), got '64,32'"
    ),
    "fit --hidden 64x32": (
        "--hidden: expected whole numbers with blanks between them (64 32), got '64x32'"
    ),
    "fit --dropout 0.5,0.2": (
        "--dropout: expected numbers with blanks between them (0.5 0.2), got '0.5,0.2'"
    ),
    "fit --epochs many": "--epochs: expected a whole number, got 'many'",
    "fit --epochs 1.5": "--epochs: expected a whole number, got 1.5",
    "fit --learning-rate fast": "--learning-rate: expected a number, got 'fast'",
    "fit --memory 3 --seed -1": "--seed: expected greater than or equal to 0, got -1",
    "fit --memory lots": "--memory: expected a size such as 1.5GiB, got 'lots'",
    "fit --hiden 64": 'unknown flag --hiden; did you mean "--hidden"?',
    "fit --learning_rate 0.1": 'unknown flag --learning_rate; did you mean "--learning-rate"?',
    "fit --colour red": "unknown flag --colour; python -m training fit --help lists them",
    "fit --vary dropout=0,1": "--vary goes with select, not with fit",
    "fit --hidden": "--hidden: expected at least one value; python -m training fit --help explains "
    "what there is",
    "fit --preset sead": "--preset: expected one of fashion-mnist, fashion-mnist-best, seed, "
    "textbook, got 'sead'; did you mean \"seed\"?",
    "fit nowhere.csv": "fit: expected flags, got 'nowhere.csv'",
    "selct": "unknown command 'selct': expected fit, select, look, evaluate, predict; "
    'did you mean "select"?',
    "predict models/x --dta rows.csv": 'unknown flag --dta; did you mean "--data"?',
    "predict": "missing VERSION, --data; python -m training predict --help explains what there is",
    "select --vary hidden=64xx2": "--vary: hidden: expected whole numbers with an x between them "
    "(128x64), got ''",
    "select --vary dropout=": "--vary: dropout: expected a number, got ''",
    "fit --batch-normalisation=yes": "--batch-normalisation/--no-batch-normalisation: takes no "
    "value, got 'yes'; python -m training fit --help explains what there is",
    "fit --validation-fraction 0.6 --test-fraction 0.5": "--validation-fraction and "
    "--test-fraction: expected less than 1 together, got 1.1",
    "select --vary dropout=0,1.5": "--vary: dropout: expected less than 1, got 1.5",
    "select --vary dropuot=0": "got 'dropuot'; did you mean \"dropout\"?",
    "select --vary dropout": "--vary: expected NAME=VALUES, such as dropout=0,0.5, got 'dropout'",
}


@pytest.mark.parametrize(("said", "sentence"), SENTENCES.items(), ids=SENTENCES.keys())
def test_slip_on_the_command_line_gets_one_sentence(
    said: str, sentence: str, capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    status = main(said.split())

    out, err = capsys.readouterr()
    assert status == 2
    # Values to vary are looked at when the table is known, and what was made of it has been told.
    *before, told = err.splitlines()
    assert not before or said.startswith("select --vary")
    assert told.startswith("mlpserve: ")
    assert told.endswith(sentence)
    assert told.count("; did you mean") <= 1
    assert out == ""
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("flag", "meant"),
    [
        ("--dataset pengiuns", "penguins"),
        ("--activation rellu", "relu"),
        ("--optimiser adam", "adamw"),
        ("--schedule cosin", "cosine"),
        ("--report htm", "html"),
    ],
)
def test_word_that_is_no_choice_is_told_with_the_choices_and_the_nearest(
    flag: str, meant: str, capsys: Capture
) -> None:
    name, word = flag.split()

    assert main(["fit", name, word]) == 2

    err = capsys.readouterr().err
    assert err.startswith(f"mlpserve: {name}: expected ")
    assert err.endswith(f"got '{word}'; did you mean \"{meant}\"?\n")


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("rows.cvs", 'rows.cvs: there is no such file or folder; did you mean "rows.csv"?'),
        ("other.csv", "other.csv: there is no such file or folder"),
        ("fodler/rows.csv", 'there is no such folder fodler; did you mean "folder"?'),
        ("folder/a.parquet", "folder/a.parquet: there is no such file or folder"),
    ],
)
@pytest.mark.parametrize("flags", ["--target y --data", "--config"])
def test_path_that_is_not_there_is_told_with_the_one_that_is(
    flags: str,
    path: str,
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    (tmp_path / "rows.csv").touch()
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)

    assert main(["fit", *flags.split(), path]) == 2

    assert capsys.readouterr().err.endswith(f"{sentence}\n")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ('hidden = "64,32"', "hidden: expected whole numbers in a list ([64, 32]), got '64,32'"),
        ("epoch = 3", 'epoch: unknown setting; did you mean "epochs"?'),
        ("colour = 3", "colour: unknown setting; known: dataset, data,"),
        ('activation = "tahn"', "got 'tahn'; did you mean \"tanh\"?"),
        ("optimizer = 'sgd'\noptimiser = 'adamw'", "optimiser and another spelling of it"),
        ("[vary]\ndropuot = [0.1]", "got 'dropuot'; did you mean \"dropout\"?"),
    ],
)
def test_slip_in_a_file_of_settings_gets_one_sentence(
    content: str, sentence: str, tmp_path: Path
) -> None:
    path = tmp_path / "run.toml"
    path.write_text(content)

    with pytest.raises(ConfigInvalid) as caught:
        read_settings(SelectConfig, path, {})

    assert sentence in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")


def test_slip_in_a_file_and_one_in_a_flag_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text("epochs = 0\n")

    with pytest.raises(ConfigInvalid) as caught:
        read_config(path, {"seed": "-1"})

    told = str(caught.value).split("; ")
    assert told == [
        f"{path}: epochs: expected greater than or equal to 1, got 0",
        "--seed: expected greater than or equal to 0, got -1",
    ]


def test_setting_of_select_in_a_file_for_fit_is_told_as_such(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text("folds = 3\n")

    with pytest.raises(ConfigInvalid, match="folds: is a setting of select, and not of fit"):
        read_config(path, {})


def test_american_spelling_is_taken_in_files_and_in_what_is_varied(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text('optimizer = "adamw"\nbatch-normalization = true\n')

    config = read_settings(SelectConfig, path, {"vary": ["optimizer=sgd,adamw"]})

    assert (config.optimiser, config.batch_normalisation) == ("adamw", True)
    assert list(config.vary) == ["optimiser"]
