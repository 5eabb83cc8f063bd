"""A Parquet table that is larger than memory: split by row number, read row group by row group."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from service.inference.features import Features
from training.errors import TableInvalid, invalid_table
from training.inputs import Column
from training.split import Split
from training.tables.columns import (
    is_whole,
    values_of,
    without_markers,
)
from training.tables.counts import ColumnCounts, Counts
from training.tables.kinds import Asked, Kinds, kinds_of, looked_at
from training.tables.labels import label_cells, labels_among, places_of
from training.tables.parquet_files import ParquetFiles, files_fingerprint
from training.tables.parts import TEST, TRAINING, VALIDATION, Parts
from training.tables.table import MISSING_TEXTS, NO_REGRESSION, Indices, Label, Table, label_text
from training.tables.text_cells import TextCells, look_at

# More rows would not sharpen a score (its standard error is 0.1 % at most), nor a median.
MOST_ROWS_APART = 200_000
_BYTES_A_CELL, _BYTES_A_BIN = 12, 4


@dataclass(frozen=True)
class Chunk:
    """Labelled rows as they are in the file, with their parts of the split and classes."""

    frame: pl.DataFrame
    part: npt.NDArray[np.int8]
    class_index: Indices
    draw: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Values:
    """A chunk with the values of its columns in place of its cells."""

    features: Features
    part: npt.NDArray[np.int8]
    class_index: Indices
    draw: npt.NDArray[np.float64]


class ParquetTable:
    """One Parquet file, or a folder of them with the same columns.

    Every row's part is a function of the seed and its number, so that no pass over the file needs
    to remember any. Raises TableInvalid.
    """

    def __init__(
        self,
        path: Path,
        target: str,
        *,
        validation_fraction: float,
        test_fraction: float,
        seed: int,
        memory: int,
        missing_texts: Sequence[str] = MISSING_TEXTS,
        bins: int = 0,
    ) -> None:
        self.path, self.target = path, target
        self.missing_texts = tuple(missing_texts)
        self._files = ParquetFiles(path, target)
        self.height = self._files.height
        # Three such samples, raw and encoded, take a quarter of the memory at most.
        self._row_bytes = self._files.width * (_BYTES_A_CELL + _BYTES_A_BIN * bins)
        self._most_apart = min(MOST_ROWS_APART, max(1000, memory // (12 * self._row_bytes)))
        most = self._most_apart / max(self.height, 1)
        self._parts = Parts(min(validation_fraction, most), min(test_fraction, most), seed)
        self._spelled: dict[str, type[pl.DataType]] = {}
        self.training_counts: Counts | None = None
        self.labels, self.counts, self.unlabelled = self._count_classes()

    def sample(self, asked: Asked) -> tuple[Table, Split]:
        """Validation rows, test rows, and a sample of the training rows, in memory.

        Two passes over the file: one settles types and spellings, one counts all training rows.
        """
        kinds = self._settle(asked)
        share = min(1.0, self._most_apart / max(1, int(self.counts[TRAINING].sum())))
        counted = ColumnCounts()
        features, parts, classes = [], [], []
        for chunk in self._read(kinds.columns):
            counted.add(chunk.features[chunk.part == TRAINING])
            chosen = (chunk.part != TRAINING) | (chunk.draw < share)
            features.append(chunk.features[chosen])
            parts.append(chunk.part[chosen])
            classes.append(chunk.class_index[chosen])
        counts = self.training_counts = counted.counts()
        notes = [*kinds.notes]
        if self.unlabelled:
            notes.append(
                f"{self.unlabelled} of {self.height} rows are left out: they have no label in "
                f"'{self.target}'"
            )
        part = np.concatenate(parts)
        if share < 1:
            notes.append(
                "the table is streamed: medians, quantiles and the training side of the scores are "
                f"of {int((part == TRAINING).sum())} of {counts.rows} training rows; "
                "types, gaps, ranges and categories are of all"
            )
        table = Table(
            source=self.path.name,
            target=self.target,
            columns=kinds.columns,
            labels=self.labels,
            features=Features(
                np.concatenate([part.numeric for part in features]),
                np.concatenate([part.categorical for part in features]),
            ),
            class_index=np.concatenate(classes),
            notes=tuple(notes),
            left_out=kinds.left_out,
            missing_texts=self.missing_texts,
        )
        split = Split(*(np.flatnonzero(part == number) for number in (TRAINING, VALIDATION, TEST)))
        return table, split

    def _settle(self, asked: Asked) -> Kinds:
        """What the whole file says of its columns' types, and of how their cells are spelled."""
        schema = pl.Schema(self._files.empty().drop(self.target).schema)
        texts = looked_at(schema, asked)
        floats = [name for name in asked.as_text if name in schema and schema[name].is_float()]
        cells = {name: TextCells() for name in texts}
        whole = dict.fromkeys(floats, True)
        for frame, row in self._frames(lambda groups: groups, [*texts, *floats]):
            for name in texts:
                cells[name] += look_at(
                    without_markers(frame.get_column(name), self.missing_texts), row
                )
            for name in floats:
                whole[name] &= is_whole(frame.get_column(name))
        self._spelled = {name: pl.Int64 if whole[name] else pl.String for name in floats}
        kinds = kinds_of(self.path.name, schema, asked, cells)
        if kinds.problems:
            raise invalid_table(self.path.name, kinds.problems)
        return kinds

    def _read(self, columns: Sequence[Column]) -> Iterator[Values]:
        """The values of all labelled rows, in the file's order; a bad cell is told with its row."""
        names = [column.name for column in columns]
        for frame, row in self._frames(lambda groups: groups, [*names, self.target]):
            features = values_of(self.path.name, frame, columns, self.missing_texts, first_row=row)
            chunk, labelled = self._chunk(frame.select(self.target), row)
            yield Values(
                features[np.flatnonzero(labelled)], chunk.part, chunk.class_index, chunk.draw
            )

    def chunks(
        self,
        order: Callable[[Sequence[tuple[int, int]]], Sequence[tuple[int, int]]],
        columns: Sequence[str] | None = None,
    ) -> Iterator[Chunk]:
        """All labelled rows in parts that fit in memory, row groups in the order asked for."""
        wanted = None if columns is None else [*columns, self.target]
        for frame, row in self._frames(order, wanted):
            yield self._chunk(frame, row)[0]

    def _frames(
        self,
        order: Callable[[Sequence[tuple[int, int]]], Sequence[tuple[int, int]]],
        columns: Sequence[str] | None,
    ) -> Iterator[tuple[pl.DataFrame, int]]:
        """All rows, spelled as was settled, and how many there are in the file before them."""
        starts = self._files.row_group_starts()
        for number, group in order(list(starts)):
            row = starts[number, group]
            for frame in self._files.batches(number, group, columns):
                yield self._respelled(frame), row
                row += frame.height

    def _respelled(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(
            pl.col(name).fill_nan(None).cast(dtype)
            for name, dtype in self._spelled.items()
            if name in frame.columns
        )

    def fingerprint(self) -> str:
        """The sha256 of the files, in order."""
        return files_fingerprint(self.path, self.target)

    @property
    def largest_row_group(self) -> int:
        """Bytes of the largest row group as it lies in memory."""
        return self._files.largest_row_group

    @property
    def sample_bytes(self) -> int:
        """About what `sample` keeps in memory."""
        return 3 * min(self._most_apart, self.height) * self._row_bytes

    def _chunk(self, frame: pl.DataFrame, row: int) -> tuple[Chunk, npt.NDArray[np.bool_]]:
        """The labelled rows of a frame, and which of its rows these are."""
        rows = np.arange(row, row + frame.height, dtype=np.uint64)
        text = label_cells(self.path.name, frame.get_column(self.target), self.missing_texts)
        class_index = places_of(text, self.labels)
        labelled = class_index >= 0
        features = frame.drop(self.target)
        if not labelled.all():
            features, rows = features.filter(labelled), rows[labelled]
            class_index = class_index[labelled]
        chunk = Chunk(features, self._parts.of(rows), class_index, self._parts.draw(rows))
        return chunk, labelled

    def _count_classes(self) -> tuple[tuple[Label, ...], npt.NDArray[np.int64], int]:
        """The labels; rows of each class by part, (3, n_classes); and rows without a label."""
        texts = pl.Series(self.target, [], dtype=pl.String)
        for number, group in self._files.row_group_starts():
            for cells in self._files.batches(number, group, [self.target]):
                found = label_cells(self.path.name, cells.to_series(), self.missing_texts)
                found = found.drop_nulls()
                texts = pl.concat([texts, found]).unique()
                if len(texts) > 10_000:
                    raise TableInvalid(
                        f"{self.path}: the target '{self.target}' holds more than 10,000 different "
                        f"values: {NO_REGRESSION}"
                    )
        self.labels = labels_among(self.path.name, self.target, texts)
        counts = np.zeros((3, len(self.labels)), dtype=np.int64)
        labelled = 0
        for chunk in self.chunks(lambda groups: groups, columns=[]):
            np.add.at(counts, (chunk.part, chunk.class_index), 1)
            labelled += len(chunk.part)
        self._require_every_class(counts)
        return self.labels, counts, self.height - labelled

    def _require_every_class(self, counts: npt.NDArray[np.int64]) -> None:
        for part, name in ((TRAINING, "training"), (VALIDATION, "validation"), (TEST, "test")):
            empty = np.flatnonzero(counts[part] == 0)
            if len(empty):
                label = label_text(self.labels[int(empty[0])])
                raise TableInvalid(
                    f"{self.path}: the class '{label}' has {counts[:, empty[0]].sum()} rows, "
                    f"none of them among the {name} rows, which a streamed table sets apart by "
                    "chance"
                )
