"""Warn of columns that a model should not learn from: leaks of the label, and identifiers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from service.inference.features import Features
from training.inputs import Column, placed

Indices = npt.NDArray[np.int64]

_MOST_ROWS = 20_000
_FEWEST_ROWS = 20
_BINS = 32
# Of what the commonest class gets wrong, the share that one column alone gets right.
_SUSPICIOUS_SKILL = 0.98


@dataclass(frozen=True)
class Doubt:
    """A column that a model should not learn from, and a sentence that says why."""

    column: str
    sentence: str
    is_leak: bool
    is_identifier: bool


def doubts(
    features: Features, columns: Sequence[Column], class_index: Indices, n_classes: int
) -> list[Doubt]:
    """What is suspicious about the columns of these training rows."""
    generator = np.random.default_rng(0)
    chosen = generator.permutation(len(features))[:_MOST_ROWS]
    if len(chosen) < _FEWEST_ROWS:
        return []
    rows, classes = features[chosen], class_index[chosen]
    found = []
    for name, groups, is_identifier in _grouped(rows, columns):
        skill = _skill(groups, classes, n_classes)
        is_leak = skill >= _SUSPICIOUS_SKILL
        if is_leak:
            why = (
                f"column '{name}' alone predicts the label almost perfectly ({skill:.1%} of what "
                "guessing gets wrong): is it known before the label is?"
            )
        elif is_identifier:
            why = f"column '{name}' looks like an identifier: (almost) every row has its own value;"
        else:
            continue
        sentence = f"{why} --ignore '{name}' leaves it out"
        found.append(Doubt(name, sentence, is_leak=is_leak, is_identifier=is_identifier))
    return found


def _grouped(features: Features, columns: Sequence[Column]) -> Iterator[tuple[str, Indices, bool]]:
    """Per column its name, a group number for each row, and whether it looks like an identifier."""
    for column, at in placed(columns):
        if not column.is_text:
            values = features.numeric[:, at]
            # One row a day is no numbering.
            is_numbering = column.kind == "number" and _is_numbering(values)
            yield column.name, _bins(values), is_numbering
        else:
            # Not as an array of text: that is as wide as its longest cell.
            codes: dict[str, int] = {}
            cells = features.categorical[:, at].tolist()
            groups = np.array([codes.setdefault(cell, len(codes)) for cell in cells])
            yield column.name, groups, len(codes) > 0.9 * len(groups)


def _bins(values: npt.NDArray[np.float32]) -> Indices:
    present = values[~np.isnan(values)]
    if not len(present):
        return np.zeros(len(values), dtype=np.int64)
    edges = np.unique(np.quantile(present, np.linspace(0, 1, _BINS + 1)[1:-1]))
    # Few different values are told apart exactly, by one bin each.
    distinct = np.unique(present[:1000])
    if len(distinct) <= _BINS:
        edges = distinct
    groups = np.searchsorted(edges, values)
    groups[np.isnan(values)] = len(edges) + 1
    return groups


def _is_numbering(values: npt.NDArray[np.float32]) -> bool:
    present = values[~np.isnan(values)]
    return (
        len(present) >= _FEWEST_ROWS
        and bool((present == np.round(present)).all())
        and len(np.unique(present)) > 0.99 * len(present)
    )


def _skill(groups: Indices, classes: Indices, n_classes: int) -> float:
    """How well each group's commonest class in half of the rows predicts the other half."""
    half = len(groups) // 2
    counts = np.zeros((int(groups.max()) + 1, n_classes))
    np.add.at(counts, (groups[:half], classes[:half]), 1)
    common = int(np.bincount(classes[:half], minlength=n_classes).argmax())
    predicted = np.where(counts.any(axis=1), counts.argmax(axis=1), common)[groups[half:]]
    truth = classes[half:]
    wrong_by_guessing = float((truth != common).mean())
    wrong = float((truth != predicted).mean())
    return 1 - wrong / wrong_by_guessing if wrong_by_guessing else 0.0
