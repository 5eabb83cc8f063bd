"""The command line: what can be said, and how it is explained."""

import argparse
import shutil
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

from pydantic.fields import FieldInfo

from service import VERSION
from service.nearest import did_you_mean, nearest
from training.config import RunConfig
from training.config_file import presets
from training.errors import ConfigInvalid
from training.select_config import SelectConfig
from training.setting_groups import METAVARS, choices, grouped
from training.setting_names import flag, other_flags
from training.suited import FOLLOWS_TABLE

_WIDTH = 100
# Longer lists of words stand in the explanation, not beside the flag.
_SHORT = 36
_PROGRAM = "python -m training"
_WORDED = {
    "expected one argument": "expected a value",
    "expected at least one argument": "expected at least one value",
    "the following arguments are required:": "missing",
    "ignored explicit argument": "takes no value, got",
}
_EXAMPLES = """examples:
  python -m training look --data rows.csv --target species
  python -m training fit
  python -m training fit --data rows.csv --target species --hidden 128 64 --dropout 0.3
  python -m training fit --config run.toml --learning-rate 0.01
  python -m training select --data rows.csv --target species
  python -m training select --vary dropout=0,0.25,0.5 hidden=64,128x64 --folds 5
  python -m training evaluate models/digits/1 --data test.csv
  python -m training predict models/digits/1 --data rows.csv --out predictions.csv"""


class _Parser(argparse.ArgumentParser):
    """argparse's, which raises ConfigInvalid with one sentence in place of leaving the process."""

    def error(self, message: str) -> NoReturn:
        """Raise what argparse has found."""
        said = message.removeprefix("argument ")
        for theirs, ours in _WORDED.items():
            said = said.replace(theirs, ours)
        raise ConfigInvalid(f"{said}; {self.prog} --help explains what there is")


class _Help(argparse.RawDescriptionHelpFormatter):
    """Lines of at most 100 columns."""

    def __init__(self, prog: str) -> None:
        columns = min(_WIDTH, shutil.get_terminal_size().columns)
        super().__init__(prog, max_help_position=28, width=columns)


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """What was said. Raises ConfigInvalid for what is no command, no flag, or has no value."""
    whole, commands = _parsers()
    known = ", ".join(commands)
    if not arguments:
        raise ConfigInvalid(f"expected a command: {known}; {_PROGRAM} --help explains them")
    first = arguments[0]
    if first not in commands and not first.startswith("-"):
        raise ConfigInvalid(
            f"unknown command '{first}': expected {known}{did_you_mean(first, commands)}"
        )
    if first in commands:
        _require_known(arguments[1:], first, commands)
    options, left = whole.parse_known_args(arguments)
    if left:
        raise ConfigInvalid(_unexpected(left, options.command, commands))
    return options


def given_settings(options: argparse.Namespace, kind: type[RunConfig]) -> dict[str, Any]:
    """The settings that were said."""
    flags = {name: getattr(options, name) for name in kind.model_fields}
    return {name: value for name, value in flags.items() if value is not None}


def names() -> list[str]:
    """The commands."""
    return list(_parsers()[1])


def help_of(command: str) -> str:
    """What --help of a command prints."""
    return _parsers()[1][command].format_help()


@cache
def _parsers() -> tuple[argparse.ArgumentParser, Mapping[str, argparse.ArgumentParser]]:
    """All commands with their flags; and each by its name."""
    whole = _Parser(
        prog=_PROGRAM,
        description="Train a dropout MLP on a table, and export it as one ONNX file.",
        epilog=_EXAMPLES,
        formatter_class=_Help,
    )
    whole.add_argument("--version", action="version", version=f"mlpserve {VERSION}")
    commands = whole.add_subparsers(dest="command", required=True)
    rows = "[--data FILE --target COLUMN | --dataset NAME]"
    fit = _command(
        commands,
        "fit",
        "train on a table and publish the next version",
        f"{rows} [settings]",
        "fit --data rows.csv --target species --hidden 128 64 --dropout 0.3",
    )
    _add_settings(fit, RunConfig)
    select = _command(
        commands,
        "select",
        "cross-validate many settings, train the best one and publish the next version",
        f"{rows} [settings]",
        "select --data rows.csv --target species --vary hidden=64,128x64",
    )
    _add_settings(select, SelectConfig)
    _add_look(commands)
    _add_evaluate(commands)
    _add_predict(commands)
    return whole, commands.choices


def _add_look(commands: Any) -> None:
    look = _command(
        commands,
        "look",
        "say what fit would make of a table, and train nothing",
        "--data FILE --target COLUMN [--write FILE] [settings of fit]",
        "look --data rows.csv --target species --write look.toml",
    )
    look.add_argument(
        "--write",
        type=Path,
        metavar="FILE",
        help="write the settings that fit would use as TOML, for its --config",
    )
    _add_settings(look, RunConfig, can_resume=False)


def _add_evaluate(commands: Any) -> None:
    evaluate = _command(
        commands,
        "evaluate",
        "score a published version on labelled rows",
        "VERSION --data FILE [--target COLUMN]",
        "evaluate models/digits/1 --data test.csv",
    )
    _add_rows(evaluate)
    evaluate.add_argument("--target", help="the label column (default: the one trained on)")


def _add_predict(commands: Any) -> None:
    predict = _command(
        commands,
        "predict",
        "classify rows with a published version",
        "VERSION --data FILE [--out FILE] [--keep COLUMN ...]",
        "predict models/digits --data rows.csv --out predictions.csv",
    )
    _add_rows(predict)
    predict.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="the file to write: Parquet if its name ends in .parquet, else CSV (default: print "
        "it)",
    )
    predict.add_argument(
        "--keep",
        nargs="+",
        default=[],
        metavar="COLUMN",
        help="columns of the file that go with the predictions, such as an id",
    )
    predict.add_argument(
        "--coverage",
        type=number,
        metavar="SHARE",
        help="add to each row the set of labels that holds the true one for this share of rows, "
        "such as 0.9",
    )
    predict.add_argument(
        "--uncertainty",
        action="store_true",
        help="add what the dropout masks say of each row, if the version has them: the entropy of "
        "their mean probabilities, and the mutual information, both in nats",
    )


def _add_rows(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "version",
        type=Path,
        metavar="VERSION",
        help="its folder, such as models/digits/1, or models/digits for the newest",
    )
    command.add_argument(
        "--data", type=Path, metavar="FILE", required=True, help="rows, in a file as of fit"
    )
    command.add_argument("--delimiter", type=one_character, help="between cells of a CSV")


def number(value: str) -> float:
    """A number that a flag takes."""
    try:
        return float(value)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a number, got {value!r}") from None


def one_character(value: str) -> str:
    """A delimiter; a written-out tab is the tabulator."""
    found = "\t" if value in ("\\t", "tab") else value
    if len(found) != 1 or not found.isascii():
        raise argparse.ArgumentTypeError(f"expected one ASCII character, got {value!r}")
    return found


def _add_settings(
    command: argparse.ArgumentParser, kind: type[RunConfig], *, can_resume: bool = True
) -> None:
    command.add_argument(
        "--config", type=Path, metavar="FILE", help="a TOML file of settings; flags overrule it"
    )
    command.add_argument(
        "--preset",
        metavar=_braced(presets()),
        help="settings to begin with, known to be good for a data set",
    )
    if can_resume:
        command.add_argument(
            "--resume",
            action="store_true",
            help="go on where the same command was stopped or killed, to the same weights; of "
            "--search tpe, settings that were not trained to their end are asked for anew and may "
            "be others",
        )
        command.add_argument(
            "--publish-best",
            action="store_true",
            help="as --resume, but train no further: publish the best so far",
        )
    for title, names in grouped(kind).items():
        group = command.add_argument_group(title)
        for name in names:
            field = kind.model_fields[name]
            said = {"dest": name, **_shape_of(name, field)}
            group.add_argument(flag(name), help=_explained(name, field, kind), **said)
            for other in other_flags(name):
                group.add_argument(other, help=argparse.SUPPRESS, **said)


def _explained(name: str, field: FieldInfo, kind: type[RunConfig]) -> str:
    default = field.default
    if kind is RunConfig and name in FOLLOWS_TABLE:
        few = _plain(default).removeprefix(" (default: ").removesuffix(")")
        return f"{field.description} (default: suits the table; {few} for few rows)"
    is_said = field.default_factory is not None or default is None or default == ()
    return f"{field.description}{'' if is_said else _plain(default)}".replace("%", "%%")


def _shape_of(name: str, field: FieldInfo) -> dict[str, Any]:
    if isinstance(field.default, bool) or field.annotation == bool | None:
        return {"action": argparse.BooleanOptionalAction, "default": None}
    if name == "vary":
        return {"metavar": "NAME=VALUES", "nargs": "+", "action": "extend"}
    words = _braced(choices(name, field))
    short = words if 2 < len(words) <= _SHORT else name.rsplit("_", 1)[-1].upper()
    metavar = METAVARS.get(name, short)
    several = {"nargs": "+"} if isinstance(field.default, tuple) else {}
    return {"metavar": metavar, **several}


def _braced(words: Sequence[str]) -> str:
    return "{" + ",".join(words) + "}"


def _command(
    commands: Any, name: str, purpose: str, arguments: str, example: str
) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = commands.add_parser(
        name,
        help=purpose,
        usage=f"{_PROGRAM} {name} {arguments}",
        description=f"{purpose.capitalize()}.",
        epilog=f"example: {_PROGRAM} {example}",
        formatter_class=_Help,
    )
    return made


def _plain(default: object) -> str:
    if isinstance(default, bool):
        return f" (default: {'on' if default else 'off'})"
    text = " ".join(map(str, default)) if isinstance(default, tuple) else str(default)
    return f" (default: {text})"


def _require_known(
    words: Sequence[str], command: str, commands: Mapping[str, argparse.ArgumentParser]
) -> None:
    """Raise ConfigInvalid for an unknown flag, before argparse misses what it was meant to be."""
    known = _flags(commands[command])
    for word in words:
        name = word.partition("=")[0]
        if len(name) > 2 and name.startswith("--") and not any(k.startswith(name) for k in known):
            raise ConfigInvalid(_unexpected([word], command, commands))


def _unexpected(
    left: Sequence[str], command: str, commands: Mapping[str, argparse.ArgumentParser]
) -> str:
    """What is wrong with words that no flag takes: the first of them that looks like a flag."""
    said = next((word for word in left if word.startswith("-")), None)
    if said is None:
        meant = f"; did you mean --data {left[0]}?" if Path(left[0]).exists() else ""
        return f"{command}: expected flags, got '{left[0]}'{meant}"
    name = said.partition("=")[0]
    known = _flags(commands[command])
    others = [other for other in commands if name in _flags(commands[other])]
    if others:
        return f"{name} goes with {' and '.join(others)}, not with {command}"
    lists = "" if nearest(name, known) else f"; {_PROGRAM} {command} --help lists them"
    return f"unknown flag {name}{did_you_mean(name, known)}{lists}"


def _flags(parser: argparse.ArgumentParser) -> list[str]:
    actions = parser._actions  # noqa: SLF001 - it has no other name
    return [said for action in actions for said in action.option_strings]
