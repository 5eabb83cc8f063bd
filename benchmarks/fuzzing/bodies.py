"""A body for each seed and number: most as clients send them, the others damaged."""

import datetime as dt
import json
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from benchmarks.fuzzing.damage import damaged_bytes, damaged_pairs, damaged_rows
from benchmarks.fuzzing.subjects import EVALUATE_PATHS, Model
from benchmarks.fuzzing.tokens import escaped, text, usual_number
from service.model_repository.provenance import COVERAGE_PERCENTS

_WELL_FORMED, _EVALUATE = 0.7, 0.2
_MOST_ROWS, _MOST_POINTS = 3, 8
_NULL = 0.05
_SEPARATORS = ((",", ":"), (", ", ": "), (" ,\n", "\t:\r\n "))

Cells = list[list[str]]
Pairs = list[tuple[str, str]]


class Body(NamedTuple):
    """A body, the path to send it to, and the model of it; without one it is :evaluate's.

    What is `well_formed` must be accepted.
    """

    number: int
    path: str
    model: Model | None
    content: bytes
    well_formed: bool


def make_body(seed: int, number: int, models: Sequence[Model]) -> Body:
    """The body of that number: the same for the same seed and models."""
    rng = Random((seed << 40) + number)  # noqa: S311 - no secret is made of it
    sound = rng.random() < _WELL_FORMED
    if rng.random() < _EVALUATE:
        model, path, pairs = None, rng.choice(EVALUATE_PATHS), _points(rng, sound=sound)
    else:
        model = rng.choice(models)
        verb = "predict" if rng.random() < 0.75 else "activations"
        path, pairs = f"{model.path}:{verb}", _rows(rng, model, sound=sound)
        if verb == "predict" and rng.random() < 0.4:
            pairs += _options(rng, model)
            rng.shuffle(pairs)
    if not sound:
        pairs = damaged_pairs(rng, pairs)
    comma, colon = rng.choice(_SEPARATORS)
    content = f"{{{comma.join(key + colon + value for key, value in pairs)}}}".encode()
    if not sound:
        content = damaged_bytes(rng, content)
    return Body(number, path, model, content, sound)


def _points(rng: Random, *, sound: bool) -> Pairs:
    cells = [[usual_number(rng) for _ in range(rng.randrange(_MOST_POINTS))]]
    if not sound:
        damaged_rows(rng, cells)
    pairs = [('"x"', f"[{','.join(cells[0])}]" if cells else "[]")]
    if rng.random() < 0.2:
        pairs.append(('"parameters"', "{}" if sound else '{"alpha": 1e400, "alpha": 0.5}'))
    return pairs


def _rows(rng: Random, model: Model, *, sound: bool) -> Pairs:
    rows = [make_row(rng, model) for _ in range(rng.randint(1, _MOST_ROWS))]
    if not sound:
        damaged_rows(rng, rows)
    comma, colon = rng.choice(_SEPARATORS)
    names = [json.dumps(name) for name in model.form.names]
    kind = rng.random()
    if kind < 0.2 and len({len(row) for row in rows}) == 1:
        columns = zip(names, zip(*rows, strict=True), strict=False)
        written = comma.join(f"{name}{colon}[{comma.join(column)}]" for name, column in columns)
        return [('"inputs"', f"{{{written}}}")]
    share_of_objects = 0.0 if kind < 0.7 else 0.7
    listed = [
        _object(rng, names, row, comma, colon)
        if rng.random() < share_of_objects
        else f"[{comma.join(row)}]"
        for row in rows
    ]
    key = '"instances"' if rng.random() < 0.9 else escaped("instances", rng)
    return [(key, f"[{comma.join(listed)}]")]


def make_row(rng: Random, model: Model) -> list[str]:
    """The cells of a row as JSON: numbers, texts, and null where it may stand."""
    form = model.form
    cells = [usual_number(rng) for _ in form.names]
    for place in form.texts:
        cells[place] = text(rng, model.manifest.signature.features[place].categories or ("x",))
    for place in form.dates:
        cells[place] = f'"{_date(rng)}"'
    for place in model.optional:
        if rng.random() < _NULL:
            cells[place] = "null"
    return cells


def _date(rng: Random) -> str:
    day = dt.date.fromordinal(rng.randint(1, dt.date.max.toordinal())).isoformat()
    if rng.random() < 0.5:
        return day
    return f"{day}T{rng.randrange(24):02}:{rng.randrange(60):02}{rng.choice(('', 'Z', '+05:30'))}"


def _object(rng: Random, names: list[str], row: list[str], comma: str, colon: str) -> str:
    pairs = [f"{name}{colon}{cell}" for name, cell in zip(names, row, strict=False)]
    rng.shuffle(pairs)
    return f"{{{comma.join(pairs)}}}"


def _options(rng: Random, model: Model) -> Pairs:
    """Options that the model has."""
    manifest, pairs = model.manifest, []
    if rng.random() < 0.5:
        pairs.append(('"top_k"', str(rng.randint(1, len(manifest.labels)))))
    if rng.random() < 0.5:
        pairs.append(('"warnings"', rng.choice(("true", "false"))))
    if rng.random() < 0.5:
        uncertain = manifest.signature.uncertainty is not None and rng.random() < 0.5
        pairs.append(('"uncertainty"', "true" if uncertain else "false"))
    if manifest.calibration is not None and rng.random() < 0.5:
        pairs += _coverage(rng, manifest.calibration.class_percents)
    return pairs


def _coverage(rng: Random, by_class: Sequence[int]) -> Pairs:
    if by_class and rng.random() < 0.4:
        percent = rng.randint(COVERAGE_PERCENTS[0], by_class[-1])
        return [('"coverage"', str(percent / 100)), ('"coverage_by"', '"class"')]
    percent = rng.randint(COVERAGE_PERCENTS[0], COVERAGE_PERCENTS[-1])
    pairs = [('"coverage"', str(percent / 100))]
    if rng.random() < 0.4:
        pairs.append(('"empty_sets"', "true"))
    return pairs
