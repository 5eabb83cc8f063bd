"""What a run learns from: a table in memory, or a sample of one that is streamed."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from training.config import RunConfig
from training.date_flags import asked_dates
from training.errors import TableInvalid
from training.group_split import grouped_split
from training.memory import allowed_bytes
from training.paths import no_such_file
from training.split import Split, stratified_split
from training.tables.columnar import parquet_bytes
from training.tables.columns import markers
from training.tables.datasets import load_dataset
from training.tables.files import is_parquet
from training.tables.groups import grouped_by
from training.tables.kinds import Asked
from training.tables.own_test import with_own_test
from training.tables.parquet_files import parquet_files
from training.tables.read import read_table
from training.tables.room import BYTES_A_BYTE, BYTES_A_CELL
from training.tables.stream import ParquetTable
from training.tables.table import Indices, Table, require_classes


@dataclass(frozen=True)
class Prepared:
    """A table with its split. Of a streamed one, `table` holds a sample of the training rows.

    `training_counts` are those of each class in all training rows, (n_classes,).
    """

    table: Table
    split: Split
    training_counts: npt.NDArray[np.int64]
    fingerprint: str
    stream: ParquetTable | None

    def validated_on(self, rows: Indices) -> "Prepared":
        """The same table with these rows, (n,), for validation, and those left for training."""
        split = self.split
        rest = np.setdiff1d(np.concatenate([split.training, split.validation]), rows)
        counts = np.bincount(self.table.class_index[rest], minlength=len(self.table.labels))
        return replace(self, split=Split(rest, np.sort(rows), split.test), training_counts=counts)


def prepare(config: RunConfig) -> Prepared:
    """Read and split what the config names. Raises TableInvalid and SplitImpossible."""
    if config.data is None:
        assert config.dataset is not None
        return _in_memory(_built_in(config.dataset, config), config)
    if not config.data.exists():
        raise TableInvalid(no_such_file(config.data))
    asked = asked_of(config)
    limit = allowed_bytes(config.memory)
    if is_parquet_table(config.data):
        if sum(map(parquet_bytes, parquet_files(config.data))) > limit:
            return _streamed(config, asked)
    elif (needed := _needed(config.data)) > limit:
        raise TableInvalid(
            f"{config.data}: needs about {needed / 2**30:.1f} GiB of memory, of which "
            f"{limit / 2**30:.1f} may be used: --memory allows more; a Parquet file would be "
            "streamed"
        )
    table = read_table(config.data, config.target, asked, config.delimiter, limit)
    if config.test is not None:
        require_classes(table)
        cells = len(table.class_index) * len(table.columns)
        left = limit - max(_needed(config.data), cells * BYTES_A_CELL)
        _require_room_for_test(config.test, left)
        table = with_own_test(table, config.test, config.delimiter, left)
    return _in_memory(table, config)


def asked_of(config: RunConfig) -> Asked:
    """What the settings say of columns."""
    return Asked(
        config.numeric,
        config.categorical,
        config.ignore,
        config.group,
        config.missing,
        config.decimal,
        asked_dates(config.date),
        config.fold_case,
    )


def _built_in(name: str, config: RunConfig) -> Table:
    table = load_dataset(name)
    if config.group is not None:
        table = grouped_by(table, config.group)
    return table.without([column for column in config.ignore if column != config.group])


def _in_memory(table: Table, config: RunConfig) -> Prepared:
    require_classes(table)
    split = split_of(table, config)
    counts = np.bincount(table.class_index[split.training], minlength=len(table.labels))
    return Prepared(table, split, counts, table.fingerprint, None)


def split_of(table: Table, config: RunConfig) -> Split:
    """The rows of each part, as the settings have it. Raises SplitImpossible."""
    split: Callable[..., Split] = stratified_split
    if table.groups is not None:
        split = partial(grouped_split, groups=table.groups.of_row)
    return split(
        table.class_index,
        table.labels,
        validation_fraction=config.validation_fraction,
        test_fraction=config.test_fraction,
        seed=config.seed,
        test_rows=table.test_rows,
    )


def _streamed(config: RunConfig, asked: Asked) -> Prepared:
    assert config.data is not None
    if config.group is not None:
        raise TableInvalid(
            f"{config.data}: --group needs the table in memory, and --memory does not allow it"
        )
    if config.test is not None:
        raise TableInvalid(
            f"{config.data}: --test needs the table in memory, and --memory does not allow it"
        )
    if config.target is None:
        raise TableInvalid(f"{config.data}: --target names the column to predict")
    stream = ParquetTable(
        config.data,
        config.target,
        validation_fraction=config.validation_fraction,
        test_fraction=config.test_fraction,
        seed=config.seed,
        memory=allowed_bytes(config.memory),
        missing_texts=markers(asked),
        bins=config.numeric_bins,
    )
    table, split = stream.sample(asked)
    require_classes(table, stream.height - stream.unlabelled)
    return Prepared(table, split, stream.counts[0], stream.fingerprint(), stream)


def is_parquet_table(path: Path) -> bool:
    """Whether a file, or every file of a folder, is Parquet. Raises TableInvalid."""
    try:
        files = parquet_files(path)
        return bool(files) and all(map(is_parquet, files))
    except OSError as exc:
        raise TableInvalid(f"{path}: cannot be read: {exc.strerror}") from exc


def _require_room_for_test(path: Path, left: int) -> None:
    needed = _needed(path) if path.exists() else 0
    if needed > left:
        raise TableInvalid(
            f"--test {path}: needs about {needed / 2**30:.2f} GiB of memory, of which "
            f"{max(left, 0) / 2**30:.2f} are left beside the table to train on: "
            "--memory allows more"
        )


def _needed(path: Path) -> int:
    """About the memory that it takes to learn from these files, without what is packed in them."""
    if is_parquet_table(path):
        return sum(map(parquet_bytes, parquet_files(path)))
    return _size(path) * BYTES_A_BYTE


def _size(path: Path) -> int:
    files = path.iterdir() if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
