"""Signs of life: a bar on a terminal, lines elsewhere."""

import io
import re
import sys

import pytest
import torch

from training import progress
from training.fitting.batches import InMemory
from training.fitting.early_stopping import EpochRecord
from training.inputs import Inputs, Rows
from training.progress import Progress


def _batches() -> InMemory:
    inputs = Inputs(torch.zeros(8, 2), torch.empty(8, 0, dtype=torch.long))
    rows = Rows(inputs, torch.zeros(8, dtype=torch.long))
    return InMemory(rows, batch_size=2, dtype=torch.float32, seed=0)


def _record(epoch: int) -> EpochRecord:
    return EpochRecord(epoch, 0.5, 0.75, 0.625, 0.875, is_best=True)


def test_about_ten_epochs_and_the_last_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(40) as shown:
        records = shown.follow(map(_record, range(1, 40)))

    lines = capsys.readouterr().err.splitlines()
    assert len(records) == 39
    assert [int(line[5:10]) for line in lines] == [1, 5, 9, 13, 17, 21, 25, 29, 33, 37, 39]
    assert lines[0].endswith("loss 0.5000, validation loss 0.6250, validation accuracy 0.8750")


def test_long_epoch_shows_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "_LINE_S", 0.0)
    with Progress(1) as shown:
        watched = shown.watch(_batches())
        batches = list(watched.epoch(1))

    assert (watched.steps, len(batches)) == (4, 4)
    assert capsys.readouterr().err.splitlines() == [
        f"epoch    1: {share}% of its rows" for share in (25, 50, 75, 100)
    ]


def test_short_epoch_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(1) as shown:
        list(shown.watch(_batches()).epoch(1))

    assert capsys.readouterr().err == ""


class _Terminal(io.StringIO):
    """Takes down what a terminal is shown."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("columns", ["60", "240"])
def test_bar_of_a_terminal_shows_epoch_and_time_left_within_100_columns(
    columns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = _Terminal()
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr(sys, "stderr", terminal)

    with Progress(40) as shown:
        shown.follow(map(_record, range(1, 8)))

    bars = re.split(r"[\r\n]+", terminal.getvalue())
    assert max(map(len, bars)) < min(int(columns), 100)
    assert any(re.search(r"epoch 7 of 40, [0-9?:]+ left", bar) for bar in bars)
    assert columns == "60" or "validation loss 0.6250, accuracy 0.8750" in terminal.getvalue()
