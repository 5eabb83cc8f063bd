"""A Parquet table that is larger than memory: split by row number, read row group by row group."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from training.errors import TableInvalid
from training.split import Split
from training.tables.columns import Asked, typed_columns
from training.tables.labels import label_cells, labels_among, places_of
from training.tables.parts import TEST, TRAINING, VALIDATION, Parts
from training.tables.table import Indices, Label, Table, label_text

# More rows would not sharpen a score (its standard error is 0.1 % at most), nor a median.
MOST_ROWS_APART = 200_000
ROWS_READ_AT_ONCE = 32_768
_BYTES_A_CELL = 12


@dataclass(frozen=True)
class Chunk:
    """Labelled rows as they are in the file, with their parts of the split and classes."""

    frame: pl.DataFrame
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
    ) -> None:
        self.path, self.target = path, target
        self._files = [_open(file) for file in parquet_files(path)]
        self._require_same_columns()
        self._require_target()
        self.height = sum(int(file.metadata.num_rows) for file in self._files)
        # Three such samples, raw and encoded, take a quarter of the memory at most.
        width = len(self._files[0].schema_arrow.names)
        self._most_apart = min(MOST_ROWS_APART, max(1000, memory // (12 * _BYTES_A_CELL * width)))
        most = self._most_apart / max(self.height, 1)
        self._parts = Parts(min(validation_fraction, most), min(test_fraction, most), seed)
        self.labels, self.counts, self.unlabelled = self._count_classes()

    def sample(self, asked: Asked) -> tuple[Table, Split]:
        """Validation rows, test rows, and a sample of the training rows, in memory."""
        share = min(1.0, self._most_apart / max(1, int(self.counts[TRAINING].sum())))
        frames, parts, classes = [], [], []
        names = self._files[0].schema_arrow.names
        wanted = [name for name in names if name not in (*asked.ignored, self.target)]
        for chunk in self.chunks(lambda groups: groups, wanted):
            chosen = (chunk.part != TRAINING) | (chunk.draw < share)
            frames.append(chunk.frame.filter(chosen))
            parts.append(chunk.part[chosen])
            classes.append(chunk.class_index[chosen])
        typed = typed_columns(self.path.name, pl.concat(frames), asked, self._all_but_target())
        part = np.concatenate(parts)
        notes = [*typed.notes]
        if self.unlabelled:
            notes.append(
                f"{self.unlabelled} of {self.height} rows are left out: they have no label in "
                f"'{self.target}'"
            )
        table = Table(
            source=self.path.name,
            target=self.target,
            columns=typed.columns,
            labels=self.labels,
            features=typed.features,
            class_index=np.concatenate(classes),
            notes=tuple(notes),
            left_out=typed.left_out,
        )
        split = Split(*(np.flatnonzero(part == number) for number in (TRAINING, VALIDATION, TEST)))
        return table, split

    def chunks(
        self,
        order: Callable[[Sequence[tuple[int, int]]], Sequence[tuple[int, int]]],
        columns: Sequence[str] | None = None,
    ) -> Iterator[Chunk]:
        """All labelled rows in parts that fit in memory, row groups in the order asked for."""
        starts = self._row_group_starts()
        wanted = None if columns is None else [*columns, self.target]
        for number, group in order(list(starts)):
            row = starts[number, group]
            for batch in self._batches(number, group, wanted):
                frame = pl.from_arrow(batch)
                assert isinstance(frame, pl.DataFrame)
                rows = np.arange(row, row + frame.height, dtype=np.uint64)
                row += frame.height
                yield self._chunk(frame, rows)

    def fingerprint(self) -> str:
        """The sha256 of the files, in order."""
        return files_fingerprint(self.path, self.target)

    @property
    def sample_bytes(self) -> int:
        """About what `sample` keeps in memory."""
        width = len(self._all_but_target()) + 1
        return 3 * min(self._most_apart, self.height) * width * _BYTES_A_CELL

    @property
    def largest_row_group(self) -> int:
        """Bytes of the largest row group as it lies in memory."""
        return max(
            int(file.metadata.row_group(group).total_byte_size)
            for file in self._files
            for group in range(file.num_row_groups)
        )

    def _chunk(self, frame: pl.DataFrame, rows: npt.NDArray[np.uint64]) -> Chunk:
        text = label_cells(self.path.name, frame.get_column(self.target))
        class_index = places_of(text, self.labels)
        labelled = class_index >= 0
        features = frame.drop(self.target)
        if not labelled.all():
            features, rows = features.filter(labelled), rows[labelled]
            class_index = class_index[labelled]
        return Chunk(features, self._parts.of(rows), class_index, self._parts.draw(rows))

    def _count_classes(self) -> tuple[tuple[Label, ...], npt.NDArray[np.int64], int]:
        """The labels; rows of each class by part, (3, n_classes); and rows without a label."""
        texts = pl.Series(self.target, [], dtype=pl.String)
        for number, group in self._row_group_starts():
            for batch in self._batches(number, group, [self.target]):
                cells = pl.from_arrow(batch)
                assert isinstance(cells, pl.DataFrame)
                found = label_cells(self.path.name, cells.to_series()).drop_nulls()
                texts = pl.concat([texts, found]).unique()
                if len(texts) > 10_000:
                    raise TableInvalid(
                        f"{self.path}: the target '{self.target}' holds more than 10,000 different "
                        "values: expected classes"
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

    def _all_but_target(self) -> list[str]:
        return [name for name in self._files[0].schema_arrow.names if name != self.target]

    def _require_same_columns(self) -> None:
        first = self._files[0].schema_arrow
        for name in first.names:
            if not name or first.names.count(name) > 1:
                raise TableInvalid(f"{self.path}: expected a name of its own for every column")
        paths = parquet_files(self.path)
        for file, path in zip(self._files, paths, strict=True):
            if not file.schema_arrow.equals(first):
                raise TableInvalid(
                    f"{path}: expected the columns and types of {paths[0].name}, in their order"
                )

    def _require_target(self) -> None:
        for file in self._files:
            if self.target not in file.schema_arrow.names:
                raise TableInvalid(
                    f"{self.path}: there is no column '{self.target}' to predict; there are: "
                    f"{', '.join(file.schema_arrow.names[:30])}"
                )

    def _row_group_starts(self) -> dict[tuple[int, int], int]:
        starts, row = {}, 0
        for number, file in enumerate(self._files):
            for group in range(file.num_row_groups):
                starts[number, group] = row
                row += file.metadata.row_group(group).num_rows
        return starts

    def _batches(
        self, number: int, group: int, columns: Sequence[str] | None
    ) -> Iterator[pa.RecordBatch]:
        try:
            yield from self._files[number].iter_batches(
                ROWS_READ_AT_ONCE, row_groups=[group], columns=columns, use_threads=False
            )
        except (pa.ArrowException, OSError) as exc:
            raise TableInvalid(
                f"{self.path}: row group {group} cannot be read: {str(exc).splitlines()[0]}"
            ) from exc


def files_fingerprint(path: Path, target: str) -> str:
    """The sha256 of the target's name and of the Parquet files at a path, in order."""
    digest = hashlib.sha256(repr(target).encode())
    for part in parquet_files(path):
        with part.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def parquet_files(path: Path) -> list[Path]:
    """The file itself, or those in a folder that end like Parquet files, sorted."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        return []
    return sorted(p for p in path.iterdir() if p.suffix in (".parquet", ".pq") and p.name[0] != ".")


def _open(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20)
    except (pa.ArrowException, OSError) as exc:
        raise TableInvalid(
            f"{path}: is not a whole Parquet file: {str(exc).splitlines()[0]}"
        ) from exc
