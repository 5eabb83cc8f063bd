"""The shuffle buffer: every training row once an epoch, well mixed, within its bound."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from training.errors import ConfigInvalid
from training.fitting import shuffle
from training.fitting.shuffle import ShuffleBuffer
from training.preprocess import learn
from training.tables.kinds import Asked
from training.tables.stream import ParquetTable

ROWS = 6000
GIB = 1 << 30


@pytest.fixture
def table(tmp_path: Path) -> ParquetTable:
    generator = np.random.default_rng(0)
    path = tmp_path / "t.parquet"
    pl.DataFrame(
        {
            "row": np.arange(ROWS, dtype=np.float32),
            "town": [f"town {i % 12}" for i in range(ROWS)],
            "y": generator.choice(["u", "v"], ROWS),
        }
    ).write_parquet(path, row_group_size=500)
    return ParquetTable(path, "y", validation_fraction=0.1, test_fraction=0.1, seed=1, memory=GIB)


def _buffer(
    table: ParquetTable, memory: int, monkeypatch: pytest.MonkeyPatch, *, batch_size: int = 64
) -> ShuffleBuffer:
    monkeypatch.setattr(shuffle, "ROWS_READ_AT_ONCE", 256)
    sample, split = table.sample(Asked())
    learned = learn(sample.features[split.training], sample.columns, scaling="standard", bins=0)
    return ShuffleBuffer(
        table,
        sample.columns,
        learned.preprocessing,
        batch_size=batch_size,
        dtype=torch.float32,
        memory=memory,
        seed=3,
    )


def _small(table: ParquetTable, monkeypatch: pytest.MonkeyPatch) -> ShuffleBuffer:
    """A buffer of a sixth of the training rows."""
    monkeypatch.setattr(shuffle, "_MOST_ROWS", 800)
    return _buffer(table, 64 * GIB, monkeypatch)


def _order(buffer: ShuffleBuffer, number: int = 1) -> np.ndarray:
    return torch.cat([batch.inputs.encoded[:, 0].clone() for batch in buffer.epoch(number)]).numpy()


def test_every_training_row_comes_once_an_epoch_in_another_order(
    table: ParquetTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    buffer = _small(table, monkeypatch)

    first, second = _order(buffer, 1), _order(buffer, 2)

    n_training = int(table.counts[0].sum())
    assert buffer.capacity == 800
    assert len(first) == len(np.unique(first)) == n_training
    assert np.array_equal(np.sort(first), np.sort(second))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("batch_size", [1, 2, 7, 64])
def test_steps_are_as_many_as_batches_and_no_batch_is_left_out(
    batch_size: int, table: ParquetTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shuffle, "_MOST_ROWS", 800)
    buffer = _buffer(table, 64 * GIB, monkeypatch, batch_size=batch_size)

    sizes = [len(batch) for batch in buffer.epoch(1)]

    n_training = int(table.counts[0].sum())
    left_over = n_training % batch_size
    assert len(sizes) == buffer.steps
    assert sum(sizes) == n_training - (left_over if left_over == 1 else 0)


def test_neighbours_in_the_file_are_far_apart_in_the_epoch(
    table: ParquetTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = _order(_small(table, monkeypatch))

    place = np.argsort(order)
    # In the file's order the mean distance would be 1; in a random one a third of all rows, 1600.
    assert np.abs(np.diff(place)).mean() > 200


def test_codes_and_labels_stay_with_their_rows(
    table: ParquetTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    buffer = _small(table, monkeypatch)
    frame = pl.read_parquet(table.path)
    whole = learn_rows(table)
    names = sorted({f"town {i}" for i in range(12)})

    for batch in buffer.epoch(1):
        rows = np.round(batch.inputs.encoded[:, 0].numpy() / whole[1] + whole[0]).astype(int)
        assert [names[code] for code in batch.inputs.codes[:, 0]] == frame["town"][rows].to_list()
        assert [table.labels[i] for i in batch.class_index] == frame["y"][rows].to_list()


def learn_rows(table: ParquetTable) -> tuple[float, float]:
    """Offset and inverse scale of the column "row"."""
    sample, split = table.sample(Asked())
    learned = learn(sample.features[split.training], sample.columns, scaling="standard", bins=0)
    numbers = learned.preprocessing.numbers
    return float(numbers.offset[0]), float(numbers.inverse_scale[0])


def test_too_little_memory_is_refused_with_the_least_that_would_do(
    table: ParquetTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(
        ConfigInvalid, match=r"--memory: expected at least \d+\.\d\dGiB .* 0\.10GiB"
    ):
        _buffer(table, GIB // 10, monkeypatch)


def test_dates_of_a_streamed_table_are_seen_as_those_of_one_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "t.parquet"
    rows = np.arange(3000)
    day = pl.Series(rows % 700 + 19000, dtype=pl.Int32).cast(pl.Date)
    text = day.dt.strftime("%d/%m/%Y").set(pl.Series(rows % 9 == 0), None)
    pl.DataFrame(
        {
            "row": rows.astype(np.float32),
            "day": day,
            "text": text,
            "y": pl.Series(["u", "v"])[rows % 2],
        }
    ).write_parquet(path, row_group_size=500)
    table = ParquetTable(path, "y", validation_fraction=0.1, test_fraction=0.1, seed=1, memory=GIB)

    buffer = _buffer(table, 64 * GIB, monkeypatch)
    seen = torch.cat([batch.inputs.encoded.clone() for batch in buffer.epoch(1)])

    sample, split = table.sample(Asked())
    learned = learn(sample.features[split.training], sample.columns, scaling="standard", bins=0)
    expected = learned.preprocessing.encode(sample.features[split.training]).encoded
    assert seen.shape[1] == 3 + 1 + 2 * 11
    assert torch.equal(seen[seen[:, 0].argsort()], expected[expected[:, 0].argsort()])
