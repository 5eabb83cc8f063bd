"""What a fit would make of a table, and say of it, without one; and the settings that say so."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from service.inference.dates import ISO
from training.announce import note_lines, table_lines
from training.config import RunConfig
from training.errors import Problem, TableInvalid
from training.inputs import Column
from training.start import Start, examine
from training.tables.gap_words import quoted
from training.tables.table import label_text

_CLASSES_SHOWN = 20
_HEAD = """\
# The settings that `fit` would use of this table's columns: change them, then
#   python -m training fit --config {path}
"""


@dataclass(frozen=True)
class Looked:
    """A table as it is read with `config`, which settles what `fit` would have stopped at."""

    config: RunConfig
    begun: Start
    problems: tuple[Problem, ...]


def look(asked: RunConfig) -> Looked:
    """Read, split and learn as a fit does. Raises TrainingError for what no flag settles."""
    config, problems = asked, list[Problem]()
    while True:
        try:
            return Looked(config, examine(config.resolved()), tuple(problems))
        except TableInvalid as exc:
            settled = _settled(config, exc.problems)
            if settled == config:
                raise
            problems += [problem for problem in exc.problems if problem.settles]
            config = settled


def _settled(config: RunConfig, problems: tuple[Problem, ...]) -> RunConfig:
    """The same settings with what settles these problems."""
    added: dict[str, list[str]] = {}
    for problem in problems:
        for setting, values in problem.settles.items():
            added.setdefault(setting, [*getattr(config, setting)]).extend(values)
    update = {setting: tuple(dict.fromkeys(values)) for setting, values in added.items()}
    return config.model_copy(update=update)


def lines(looked: Looked) -> Iterator[str]:
    """Columns, rows, classes and notes, and what a fit would stop at."""
    begun = looked.begun
    table, split = begun.data.table, begun.data.split
    yield from table_lines(table.columns, begun.learned.summaries)
    training = int(begun.data.training_counts.sum())
    yield (
        f"rows: {training:,} for training, {len(split.validation):,} for validation, "
        f"{len(split.test):,} for the test; {len(table.columns)} features"
    )
    yield f"classes of {table.target}: {_classes(begun)}"
    for problem in looked.problems:
        yield f"fit stops at this: {problem.sentence}"
    if looked.problems:
        yield f"what else is said holds with {flags(looked)}"
    yield from note_lines(begun.said)


def flags(looked: Looked) -> str:
    """What settles the problems, as flags."""
    settled = {name for problem in looked.problems for name in problem.settles}
    return " ".join(
        f"--{name} {' '.join(map(quoted, getattr(looked.config, name)))}"
        for name in sorted(settled)
    )


def _classes(begun: Start) -> str:
    table, split = begun.data.table, begun.data.split
    apart = np.concatenate([split.validation, split.test])
    counts = begun.data.training_counts + np.bincount(
        table.class_index[apart], minlength=len(table.labels)
    )
    order = np.argsort(-counts, kind="stable")[:_CLASSES_SHOWN]
    shown = ", ".join(
        f"{label_text(table.labels[i])} {counts[i]:,} ({counts[i] / counts.sum():.1%})"
        for i in order
    )
    more = len(table.labels) - len(order)
    return f"{shown} and {more} more" if more else shown


def settings_toml(looked: Looked, path: Path) -> str:
    """All that was asked for and found, as a file for --config of a fit."""
    config, table = looked.config, looked.begun.data.table
    of_kind = {
        kind: [column.name for column in table.columns if column.kind == kind]
        for kind in ("number", "category")
    }
    written = [column.name for column in table.columns if column.written is not None]
    found: dict[str, Any] = {
        "numeric": [*config.numeric, *(name for name in written if name not in config.numeric)],
        "categorical": of_kind["category"] if config.data is not None else [],
        "decimal": next((c.written.decimal for c in table.columns if c.written is not None), None),
        "missing": list(config.missing),
        "date": [_date_entry(column) for column in table.columns if column.kind == "date"],
    }
    said = {name: getattr(config, name) for name in sorted(config.model_fields_set)}
    content = said | {name: value for name, value in found.items() if value}
    body = "".join(f"{name} = {_toml(value)}\n" for name, value in content.items())
    return _HEAD.format(path=path) + body + "".join(_suggested(looked.begun))


def _date_entry(column: Column) -> str:
    """As --date takes it."""
    return column.name if column.date_form == ISO else f"{column.name}={column.date_form}"


def _suggested(begun: Start) -> Iterator[str]:
    doubtful = [doubt.column for doubt in begun.doubts]
    if doubtful:
        yield f"# ignore = {_toml(doubtful)}  # what the notes say of them is worth a thought\n"


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_toml(k)} = {_toml(v)}' for k, v in value.items())} }}"
    # A TOML string is a JSON string, but for this character and for pairs of surrogates.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
