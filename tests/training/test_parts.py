"""Rows a part at a time: each of them once, and no part too large."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from training import parts
from training.fitting.scores import measure
from training.inputs import Inputs, Rows
from training.network import Architecture, build_network
from training.parts import row_parts


@given(
    rows=st.integers(0, 5_000),
    values=st.sampled_from([0, 1, 10, 3_000, 100_000, 5_000_000]),
    at_most=st.none() | st.integers(1, 9_000),
)
def test_every_row_is_in_one_part(rows: int, values: int, at_most: int | None) -> None:
    found = list(row_parts(rows, values, at_most=at_most))

    assert [i for part in found for i in range(part.start, part.stop)] == list(range(rows))
    sizes = [part.stop - part.start for part in found]
    assert all(size * values <= 4 * 2**20 or size == 1 for size in sizes)
    assert all(at_most is None or size <= at_most for size in sizes)


def test_losses_a_part_at_a_time_are_those_of_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    network = build_network(Architecture(3, (), (8,), 5, "relu", (0.5,)))
    inputs = Inputs(torch.randn(200, 3), torch.zeros(200, 0, dtype=torch.int64))
    rows = Rows(inputs, torch.arange(200) % 5)
    whole = measure(network, rows)

    monkeypatch.setattr(parts, "_VALUES_AT_ONCE", 5 * 33)

    assert measure(network, rows) == pytest.approx(whole, rel=1e-6)
