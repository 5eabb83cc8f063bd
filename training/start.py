"""The beginning of every run: read the table, learn its preprocessing, say what was made of it."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from training.announce import show_notes, show_table
from training.column_notes import column_notes, label_notes
from training.config import RunConfig
from training.doubtful_settings import doubtful_settings
from training.group_split import grouped_folds
from training.guard import Doubt, doubts
from training.inputs import Column, Rows, placed
from training.prepare import Prepared, prepare
from training.preprocess import Learned, learn
from training.publish import check_writable
from training.split import Split, stratified_folds
from training.stopwatch import Stopwatch
from training.suited import Size, suited
from training.tables.counts import counts_of
from training.tables.table import Indices
from training.twins import FoundTwins, find_twins


@dataclass(frozen=True)
class Start:
    """A table with its split, the preprocessing learned from its training rows, and notes.

    `config` is what was asked for, with settings that suit the table where nothing was said.
    `clock` has run since the beginning. `doubts` and `twins` are what the notes say of columns and
    of rows on both sides of the split; `said` are all notes, with those on settings.
    """

    name: str
    config: RunConfig
    data: Prepared
    learned: Learned
    notes: tuple[str, ...]
    doubts: tuple[Doubt, ...] = ()
    twins: FoundTwins | None = None
    said: tuple[str, ...] = ()
    clock: Stopwatch = field(default_factory=Stopwatch)

    @property
    def leaks(self) -> tuple[str, ...]:
        """What is known to give labels away."""
        return tuple(doubt.sentence for doubt in self.doubts if doubt.is_leak)

    def noting(self, note: str) -> "Start":
        """The same with one more note, which is shown."""
        show_notes([note])
        return replace(self, notes=(*self.notes, note))

    def rows(self, which: Indices) -> Rows:
        """These rows as the network takes them."""
        import torch

        table = self.data.table
        inputs = self.learned.preprocessing.encode(table.features[which])
        return Rows(inputs, torch.from_numpy(table.class_index[which]))

    def folds(self, which: Indices, folds: int, *, seed: int) -> list[Indices]:
        """These rows in so many folds: places in `which`. Raises SplitImpossible."""
        table = self.data.table
        class_index = table.class_index[which]
        if table.groups is None:
            return stratified_folds(class_index, table.labels, folds=folds, seed=seed)
        groups = table.groups.of_row[which]
        return grouped_folds(class_index, table.labels, groups=groups, folds=folds, seed=seed)


def start(config: RunConfig, *, cross_validated: bool = False) -> Start:
    """Read, split and learn. Raises TrainingError.

    If `cross_validated`, all rows but the test rows are training rows; folds come later. What is
    learned from them before is how numbers are scaled and which categories there are, never
    anything of labels.
    """
    # look takes less time than its import, and does without.
    import torch

    assert config.name is not None
    torch.set_num_threads(config.threads or len(os.sched_getaffinity(0)))
    check_writable(config.models, config.name)
    begun = examine(config, cross_validated=cross_validated)
    show_table(begun.data.table.columns, begun.learned.summaries)
    show_notes(begun.said)
    return begun


def examine(config: RunConfig, *, cross_validated: bool = False) -> Start:
    """Read, split and learn, and nothing else: nothing is written or shown."""
    clock = Stopwatch()
    data = prepare(config)
    if cross_validated:
        data = _undivided(data)
    clock.lap("read")
    return begin(data, config, clock, cross_validated=cross_validated)


def begin(
    data: Prepared, config: RunConfig, clock: Stopwatch, *, cross_validated: bool = False
) -> Start:
    """Learn from rows that are split already."""
    name = config.name
    assert name is not None
    table, training = data.table, data.split.training
    chosen = None
    if not cross_validated:
        found_suited = suited(config, _size(data))
        config, chosen = found_suited.config, found_suited.note
    features = table.features[training]
    streamed = data.stream and data.stream.training_counts
    counts = streamed or counts_of(features)
    learned = learn(
        features, table.columns, scaling=config.scaling, bins=config.numeric_bins, counts=counts
    )
    odd = column_notes(
        table.columns, learned.summaries, counts, None if streamed is not None else features
    )
    doubtful = (f"{finding.name}: {finding.sentence}" for finding in doubtful_settings(config))
    found = doubts(features, table.columns, table.class_index[training], len(table.labels))
    twins = find_twins(
        table.features,
        table.columns,
        table.class_index,
        data.split,
        but_for=[doubt.column for doubt in found if doubt.is_identifier],
        is_whole=len(training) == int(data.training_counts.sum()),
    )
    notes = (
        *table.notes,
        *label_notes(table.target, table.labels),
        *learned.notes,
        *odd,
        *_gap_notes(data, learned, config),
        *_doubtful(found, learned, table.columns),
        *twins.notes,
        *((chosen,) if chosen else ()),
    )
    said = (*notes, *doubtful)
    clock.lap("preprocessing")
    return Start(name, config, data, learned, notes, tuple(found), twins, said, clock)


def _size(data: Prepared) -> Size:
    numbers = sum(column.kind == "number" for column in data.table.columns)
    rows, is_streamed = int(data.training_counts.sum()), data.stream is not None
    return Size(rows, len(data.table.labels), numbers, is_streamed)


def _doubtful(found: Sequence[Doubt], learned: Learned, columns: Sequence[Column]) -> Iterator[str]:
    """What is said of columns; not that one is an identifier where it is not used anyway."""
    pairs = zip(columns, learned.summaries, strict=True)
    unused = {column.name for column, summary in pairs if summary.unused}
    return (doubt.sentence for doubt in found if doubt.is_leak or doubt.column not in unused)


def _gap_notes(data: Prepared, learned: Learned, config: RunConfig) -> list[str]:
    """Of gaps that a request may not have, though rows of this very table do."""
    table = data.table
    numbers, texts = np.isnan(table.features.numeric), table.features.categorical == ""
    notes = []
    for (column, at), summary in zip(placed(table.columns), learned.summaries, strict=True):
        gaps = int((texts if column.is_text else numbers)[:, at].sum())
        if config.accept_missing == "seen" and gaps and not summary.missing:
            notes.append(
                f"column '{column.name}' has gaps, in {gaps} of the rows, none of them a "
                "training row: a request may not have one; --accept-missing all allows it"
            )
    return notes


def _undivided(data: Prepared) -> Prepared:
    split = data.split
    training = np.sort(np.concatenate([split.training, split.validation]))
    counts = np.bincount(data.table.class_index[training], minlength=len(data.table.labels))
    whole = Split(training, np.empty(0, dtype=np.int64), split.test)
    return replace(data, split=whole, training_counts=counts)
