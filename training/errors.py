"""Everything that can go wrong in a training run; each is told in one sentence.

TrainingError
├── ConfigInvalid
├── ExtraMissing
├── TableInvalid
├── SplitImpossible
├── Diverged
├── CheckpointFailed
├── RunIsGoing
├── AlreadyPublished
├── StorageFailed
├── ExportRefused
├── PublishFailed
└── TrackingFailed
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


class TrainingError(Exception):
    """Any failure that the command line explains in one sentence."""


class ConfigInvalid(TrainingError):
    """A setting has a value that does not fit."""


@dataclass(frozen=True)
class Problem:
    """One thing that a table cannot be read with, and values of settings that would settle it."""

    sentence: str
    settles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class ExtraMissing(TrainingError):
    """A setting needs a package that is not installed."""


class TableInvalid(TrainingError):
    """The data cannot be read, or are not a table to classify.

    Of columns, `problems` has one each.
    """

    def __init__(self, message: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


def invalid_table(source: str, problems: Sequence[Problem]) -> TableInvalid:
    """One error of all that is wrong with a table's columns, a line each."""
    if len(problems) == 1:
        return TableInvalid(f"{source}: {problems[0].sentence}", problems)
    lines = "".join(f"\n  {problem.sentence}" for problem in problems)
    return TableInvalid(f"{source}: {len(problems)} problems:{lines}", problems)


class SplitImpossible(TrainingError):
    """The table has too few rows to be split."""


class Diverged(TrainingError):
    """The loss is no longer a number."""


class CheckpointFailed(TrainingError):
    """The state of an unfinished run cannot be kept, or read back."""


class RunIsGoing(TrainingError):
    """Another process is at the same run."""


class AlreadyPublished(TrainingError):
    """The run to go on with has published `folder`, and was killed before it could put away."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder} is what this run has published: there is nothing left to do")
        self.folder = folder


class StorageFailed(TrainingError):
    """The database of a search cannot be used."""


class ExportRefused(TrainingError):
    """The graph is in training mode, or does not answer as PyTorch does."""


class PublishFailed(TrainingError):
    """The model repository cannot be written."""


class TrackingFailed(TrainingError):
    """A version is published, but TensorBoard or MLflow cannot take the run."""
