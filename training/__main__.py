"""python -m training: fit, evaluate, predict."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from service.errors import ServiceError
from service.model_repository.manifest import Scores
from training.config import RunConfig
from training.config_file import presets, read_config
from training.errors import TrainingError

_EXAMPLES = """examples:
  python -m training fit
  python -m training fit --data rows.csv --target species --hidden 128 64 --dropout 0.3
  python -m training fit --config run.toml --learning-rate 0.01
  python -m training evaluate models/digits/1 --data test.csv
  python -m training predict models/digits/1 --data rows.csv --out predictions.csv"""


def main(arguments: Sequence[str]) -> int:
    """Run one command; exit status 2 with one sentence when it cannot be done."""
    options = _parser().parse_args(arguments)
    command = {"fit": _fit, "evaluate": _evaluate, "predict": _predict}[options.command]
    try:
        command(options)
    except (TrainingError, ServiceError) as exc:
        print(f"mlpserve: {exc}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as exc:
        print(
            f"mlpserve: the package {exc.name} is not installed: "
            "in a checkout, `make train` installs what training needs",
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt:
        print("mlpserve: stopped; nothing was published or written", file=sys.stderr)
        return 130
    return 0


def _fit(options: argparse.Namespace) -> None:
    flags = {name: getattr(options, name) for name in RunConfig.model_fields}
    given = {k: v for k, v in flags.items() if v is not None}
    config = read_config(options.config, given, options.preset)

    from training.memory import peak_resident_bytes
    from training.pipeline import run

    done = run(config)
    manifest = done.manifest
    network = " -> ".join(map(str, manifest.network.widths))
    print(
        f"network     {network}, {manifest.network.activation}, dropout "
        f"{', '.join(map(str, manifest.network.dropout))}, "
        f"{manifest.network.parameter_count:,} parameters"
    )
    print(f"epochs      {len(manifest.history.epochs)}, best {manifest.history.best_epoch}")
    print(f"validation  {_summary(manifest.scores.validation)}")
    print(f"test        {_summary(manifest.scores.test)}")
    print(
        f"parity      ONNX Runtime within {manifest.parity.largest_difference:.1g} of PyTorch, "
        f"{manifest.parity.labels_different} of {manifest.parity.rows} labels different"
    )
    if config.memory is not None:
        peak = peak_resident_bytes() / 2**20
        print(f"memory      at most {peak:,.0f} MiB of {config.memory / 2**20:,.0f} resident")
    print(f"published   {done.folder}")


def _evaluate(options: argparse.Namespace) -> None:
    from training.announce import show_notes
    from training.evaluate import evaluate
    from training.published import open_folder
    from training.tables.read import read_class_index, read_features

    predictor = open_folder(options.version)
    manifest = predictor.manifest
    features = read_features(options.data, manifest.signature, options.delimiter)
    target = options.target or manifest.table.target
    class_index = read_class_index(options.data, target, manifest, options.delimiter)
    labelled = (class_index >= 0).nonzero()[0]
    if len(labelled) < len(class_index):
        left_out = len(class_index) - len(labelled)
        show_notes([f"{left_out} of {len(class_index)} rows are left out: they have no label"])
    scores = evaluate(predictor.model, features[labelled], class_index[labelled], manifest.labels)
    print(_summary(scores))
    width = max(len(str(label)) for label in manifest.labels)
    print(f"{'class':{max(width, 5)}}  precision  recall      f1   rows")
    for row in scores.per_class:
        print(
            f"{row.label!s:{max(width, 5)}}  {row.precision:9.4f}  {row.recall:6.4f}  "
            f"{row.f1:6.4f}  {row.rows:5d}"
        )


def _predict(options: argparse.Namespace) -> None:
    from training.predict import predictions_csv, write_whole
    from training.published import open_folder
    from training.tables.read import read_features

    predictor = open_folder(options.version)
    features = read_features(options.data, predictor.manifest.signature, options.delimiter)
    content = predictions_csv(predictor, features)
    if options.out is None:
        sys.stdout.write(content)
    else:
        write_whole(options.out, content)
        print(f"wrote {len(features)} predictions to {options.out}", file=sys.stderr)


def _summary(scores: Scores) -> str:
    return f"accuracy {scores.accuracy:.4f}, log-loss {scores.log_loss:.4f}, {scores.rows} rows"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training",
        description="Train a dropout MLP on a table, and export it as one ONNX file.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    fit = _command(
        commands,
        "fit",
        "train on a table and publish the next version",
        "fit --data rows.csv --target species --hidden 128 64 --dropout 0.3",
    )
    fit.add_argument("--config", type=Path, help="a TOML file of settings; flags overrule it")
    fit.add_argument("--preset", choices=presets(), help="settings to begin with")
    for name, field in RunConfig.model_fields.items():
        default = field.default
        shown = "" if default in (None, ()) else f" (default: {_plain(default)})"
        fit.add_argument(
            "--" + name.replace("_", "-"),
            help=f"{field.description}{shown}".replace("%", "%%"),
            **_shape_of(name, default),
        )
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
    return parser


def _shape_of(name: str, default: object) -> dict[str, Any]:
    if isinstance(default, bool):
        return {"action": argparse.BooleanOptionalAction, "default": None}
    metavar = name.rsplit("_", 1)[-1].upper()
    return (
        {"metavar": metavar, "nargs": "+"} if isinstance(default, tuple) else {"metavar": metavar}
    )


def _command(commands: Any, name: str, purpose: str, example: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=purpose,
        description=f"{purpose.capitalize()}.",
        epilog=f"example: python -m training {example}",
    )
    return parser


def one_character(value: str) -> str:
    """A delimiter; a written-out tab is the tabulator."""
    found = "\t" if value in ("\\t", "tab") else value
    if len(found) != 1 or not found.isascii():
        raise argparse.ArgumentTypeError(f"expected one ASCII character, got {value!r}")
    return found


def _plain(default: object) -> str:
    return " ".join(map(str, default)) if isinstance(default, tuple) else str(default)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
