"""python -m training: look, fit, select, evaluate, predict."""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from service.errors import ServiceError
from training.arguments import given_settings, parsed
from training.config import RunConfig
from training.config_file import read_config, read_settings
from training.errors import AlreadyPublished, TrainingError
from training.interrupt import Stopped, tidily_terminated
from training.screen import show
from training.select_config import SelectConfig

if TYPE_CHECKING:
    from training.finish import Run


def main(arguments: Sequence[str]) -> int:
    """Run one command; exit status 2 with one sentence when it cannot be done.

    Stopped by Ctrl-C it is 130, by SIGTERM 143.
    """
    commands: dict[str, Callable[[argparse.Namespace], None]] = {
        "look": _look,
        "fit": _fit,
        "select": _select,
        "evaluate": _evaluate,
        "predict": _predict,
    }
    try:
        options = parsed(arguments)
        with tidily_terminated():
            commands[options.command](options)
    except AlreadyPublished as exc:
        print(f"published   {exc.folder} (before the run was stopped: nothing is left to do)")
    except (TrainingError, ServiceError) as exc:
        show([f"mlpserve: {exc}"], sys.stderr)
        return 2
    except ModuleNotFoundError as exc:
        print(
            f"mlpserve: the package {exc.name} is not installed: "
            "in a checkout, `make train` installs what training needs, and `make extras` what "
            "--search tpe, --tensorboard and --mlflow need",
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt as exc:
        stopped = exc if isinstance(exc, Stopped) else Stopped(signal.SIGINT)
        print(f"mlpserve: stopped; {stopped.left}", file=sys.stderr)
        print(*_going_on(stopped, arguments), sep="", end="", file=sys.stderr)
        return stopped.exit_status
    return 0


def _look(options: argparse.Namespace) -> None:
    config = read_config(options.config, given_settings(options, RunConfig), options.preset)

    from training.look import lines, look, settings_toml

    looked = look(config)
    show(lines(looked))
    if options.write is not None:
        from training.prediction_files import written_whole

        with written_whole(options.write) as file:
            file.write(settings_toml(looked, options.write).encode())
        print(f"wrote {options.write}: python -m training fit --config {options.write} takes it")


def _going_on(stopped: Stopped, arguments: Sequence[str]) -> Iterator[str]:
    """The commands that make something of a run that is stopped."""
    from training.next_steps import command_line

    if stopped.can_go_on:
        yield f"  to go on:\n    {command_line(arguments, '--resume')}\n"
    if stopped.can_publish:
        yield "  to train no further, and publish the best so far:\n"
        yield f"    {command_line(arguments, '--publish-best')}\n"


def _fit(options: argparse.Namespace) -> None:
    config = read_config(options.config, given_settings(options, RunConfig), options.preset)

    from training.memory import peak_resident_bytes
    from training.pipeline import run
    from training.summary import learning_curve_lines, run_lines

    done = run(config, resume=options.resume, publish_best=options.publish_best)
    show(run_lines(done.manifest))
    if done.manifest.learning_curve:
        show(["learning curve", *learning_curve_lines(done.manifest.learning_curve)])
    if config.memory is not None:
        peak = peak_resident_bytes() / 2**20
        print(f"memory      at most {peak:,.0f} MiB of {config.memory / 2**20:,.0f} resident")
    _print_end(done)


def _select(options: argparse.Namespace) -> None:
    given = given_settings(options, SelectConfig)
    config = read_settings(SelectConfig, options.config, given, options.preset)

    from training.selection import run_selection, run_worker
    from training.summary import learning_curve_lines, run_lines, selection_lines

    if config.worker:
        print(f"trained {run_worker(config)} settings for the search")
        return
    done = run_selection(config, resume=options.resume, publish_best=options.publish_best)
    assert done.manifest.selection is not None
    show(selection_lines(done.manifest.selection))
    show(run_lines(done.manifest))
    if done.manifest.learning_curve:
        show(["learning curve", *learning_curve_lines(done.manifest.learning_curve)])
    _print_end(done)


def _print_end(done: "Run") -> None:
    from training.next_steps import next_lines
    from training.summary import time_line

    show([time_line(done.seconds, done.manifest.environment["threads"])])
    print(f"published   {done.folder}\n")
    print(*next_lines(done.folder, done.manifest), sep="\n")


def _evaluate(options: argparse.Namespace) -> None:
    from training.announce import show_notes
    from training.evaluate import evaluate
    from training.published import open_folder
    from training.seen import score_seen, seen_table
    from training.summary import class_lines, score_line
    from training.tables.files import read_data
    from training.tables.read import class_index_of, features_of

    predictor = open_folder(options.version)
    manifest = predictor.manifest
    data = read_data(options.data, delimiter=options.delimiter)
    features = features_of(options.data, data, manifest.signature)
    target = options.target or manifest.table.target
    class_index = class_index_of(options.data, data, target, manifest)
    labelled = (class_index >= 0).nonzero()[0]
    if len(labelled) < len(class_index):
        left_out = len(class_index) - len(labelled)
        show_notes([f"{left_out} of {len(class_index)} rows are left out: they have no label"])
    features, class_index = features[labelled], class_index[labelled]
    seen = seen_table(options.data, data, target, manifest)
    if seen is None:
        scores = evaluate(predictor.model, features, class_index, manifest.labels)
    else:
        scores, told = score_seen(predictor, features, class_index, seen)
        show_notes([told])
    show([score_line(scores), *class_lines(scores)])


def _predict(options: argparse.Namespace) -> None:
    from training.answers import kept_columns, wanted
    from training.predict import write_predictions
    from training.prediction_files import is_parquet_name, written_whole
    from training.published import open_folder, version_folder
    from training.tables.files import read_data
    from training.tables.read import features_of

    as_parquet = is_parquet_name(options.out)
    version = version_folder(options.version)
    predictor = open_folder(version)
    data = read_data(options.data, delimiter=options.delimiter)
    features = features_of(options.data, data, predictor.manifest.signature)
    asked = wanted(
        predictor,
        kept=kept_columns(options.data, data, options.keep),
        coverage=options.coverage,
        uncertainty=options.uncertainty,
    )
    if options.out is None:
        try:
            told = write_predictions(predictor, features, sys.stdout.buffer, asked)
            sys.stdout.flush()
        except BrokenPipeError:
            # Whoever reads has seen enough; what is left must not fail at exit either.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return
    else:
        with written_whole(options.out) as file:
            told = write_predictions(predictor, features, file, asked, as_parquet=as_parquet)
    out = "the predictions" if options.out is None else str(options.out)
    show(told.lines(out, str(version)), sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
