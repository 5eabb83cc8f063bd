"""The command line: what can be said, and how it is explained."""

import argparse
from pathlib import Path
from typing import Any

from training.config import RunConfig
from training.config_file import presets
from training.select_config import SelectConfig

_EXAMPLES = """examples:
  python -m training fit
  python -m training fit --data rows.csv --target species --hidden 128 64 --dropout 0.3
  python -m training fit --config run.toml --learning-rate 0.01
  python -m training select --data rows.csv --target species
  python -m training select --vary dropout=0,0.25,0.5 hidden=64,128x64 --folds 5
  python -m training evaluate models/digits/1 --data test.csv
  python -m training predict models/digits/1 --data rows.csv --out predictions.csv"""


def parser() -> argparse.ArgumentParser:
    """All commands with their flags."""
    whole = argparse.ArgumentParser(
        prog="python -m training",
        description="Train a dropout MLP on a table, and export it as one ONNX file.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = whole.add_subparsers(dest="command", required=True)
    fit = _command(
        commands,
        "fit",
        "train on a table and publish the next version",
        "fit --data rows.csv --target species --hidden 128 64 --dropout 0.3",
    )
    _add_settings(fit, RunConfig)
    select = _command(
        commands,
        "select",
        "cross-validate many settings, train the best one and publish the next version",
        "select --data rows.csv --target species --vary dropout=0,0.25,0.5 hidden=64,128x64",
    )
    _add_settings(select, SelectConfig)
    evaluate = _command(
        commands,
        "evaluate",
        "score a published version on labelled rows",
        "evaluate models/digits/1 --data test.csv",
    )
    predict = _command(
        commands,
        "predict",
        "classify rows with a published version",
        "predict models/digits/1 --data rows.csv --out predictions.csv",
    )
    for command in (evaluate, predict):
        command.add_argument("version", type=Path, help="its folder, such as models/digits/1")
        command.add_argument("--data", type=Path, required=True, help="rows, in a file as of fit")
        command.add_argument("--delimiter", type=one_character, help="between cells of a CSV")
    evaluate.add_argument("--target", help="the label column (default: the one trained on)")
    predict.add_argument("--out", type=Path, help="the CSV file to write (default: print it)")
    return whole


def given_settings(options: argparse.Namespace, kind: type[RunConfig]) -> dict[str, Any]:
    """The settings that were said."""
    flags = {name: getattr(options, name) for name in kind.model_fields}
    return {name: value for name, value in flags.items() if value is not None}


def one_character(value: str) -> str:
    """A delimiter; a written-out tab is the tabulator."""
    found = "\t" if value in ("\\t", "tab") else value
    if len(found) != 1 or not found.isascii():
        raise argparse.ArgumentTypeError(f"expected one ASCII character, got {value!r}")
    return found


def _add_settings(command: argparse.ArgumentParser, kind: type[RunConfig]) -> None:
    command.add_argument("--config", type=Path, help="a TOML file of settings; flags overrule it")
    command.add_argument("--preset", choices=presets(), help="settings to begin with")
    command.add_argument(
        "--resume",
        action="store_true",
        help="go on where the same command was stopped or killed",
    )
    for name, field in kind.model_fields.items():
        default = field.default
        shown = "" if default is None or default == () or name == "vary" else _plain(default)
        command.add_argument(
            "--" + name.replace("_", "-"),
            help=f"{field.description}{shown}".replace("%", "%%"),
            **_shape_of(name, default, field.annotation),
        )


def _shape_of(name: str, default: object, annotation: object) -> dict[str, Any]:
    if isinstance(default, bool) or annotation == bool | None:
        return {"action": argparse.BooleanOptionalAction, "default": None}
    metavar = name.rsplit("_", 1)[-1].upper()
    if name == "vary":
        return {"metavar": "NAME=VALUES", "nargs": "+", "action": "extend"}
    return (
        {"metavar": metavar, "nargs": "+"} if isinstance(default, tuple) else {"metavar": metavar}
    )


def _command(commands: Any, name: str, purpose: str, example: str) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = commands.add_parser(
        name,
        help=purpose,
        description=f"{purpose.capitalize()}.",
        epilog=f"example: python -m training {example}",
    )
    return made


def _plain(default: object) -> str:
    text = " ".join(map(str, default)) if isinstance(default, tuple) else str(default)
    return f" (default: {text})"
