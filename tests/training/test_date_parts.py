"""What the network sees of dates: the calendar's parts, held against Python's datetime."""

import datetime as dt
import math
from dataclasses import replace

import numpy as np
import onnxruntime as ort
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from service.inference.features import Features
from tests.training.conftest import untrained
from training.date_parts import MONTH, N_PARTS, TIME, WEEK, YEAR, Calendar, parts_worth_seeing
from training.export import export, make_golden
from training.inputs import Column
from training.tables.table import Table
from training.trained import TrainedModel

EPOCH = dt.date(1970, 1, 1)
ALL = Calendar(np.zeros(1, np.int64), np.arange(N_PARTS))


def _days(date: dt.date) -> int:
    return (date - EPOCH).days


def _parts(days: float, *, missing: bool = False) -> np.ndarray:
    filled = torch.tensor([[days]], dtype=torch.float32)
    return ALL.encode(filled, torch.tensor([[missing]]))[0].numpy()


@given(date=st.dates())
def test_parts_are_those_of_datetime(date: dt.date) -> None:
    parts = _parts(_days(date))

    assert np.flatnonzero(parts[list(WEEK)]).tolist() == [date.weekday()]
    month = 2 * math.pi * (date.day - 1) / 31
    np.testing.assert_allclose(parts[list(MONTH)], [math.sin(month), math.cos(month)], atol=1e-6)
    march = _days(date.replace(month=3, day=1))
    if date.month < 3:
        march = (
            _days(date.replace(year=date.year - 1, month=3, day=1)) if date.year > 1 else -719468
        )
    year = 2 * math.pi * (_days(date) - march) / 366
    np.testing.assert_allclose(parts[list(YEAR)], [math.sin(year), math.cos(year)], atol=1e-6)


@given(date=st.dates(dt.date(1800, 1, 1), dt.date(2140, 1, 1)), step=st.integers(0, 255))
def test_time_of_day_turns_once_a_day_and_moves_no_other_part(date: dt.date, step: int) -> None:
    parts, midnight = _parts(_days(date) + step / 256), _parts(_days(date))

    turn = 2 * math.pi * step / 256
    np.testing.assert_allclose(parts[list(TIME)], [math.sin(turn), math.cos(turn)], atol=1e-5)
    np.testing.assert_array_equal(parts[: TIME[0]], midnight[: TIME[0]])


def test_gap_has_no_part() -> None:
    assert not _parts(19874.5, missing=True).any()


@pytest.mark.parametrize(
    ("days", "kept"),
    [
        ([0, 3], []),
        ([0, 7, 14], []),
        ([0, 1, 7], [*WEEK[3:5]]),
        ([0, 7, 35], [*MONTH]),
        ([59, 90, 120, 273, 304], [*WEEK[2:5], WEEK[6]]),
        ([365 * n + (n + 1) // 4 for n in range(28)], [*WEEK]),
        ([0, 7, 371], [*MONTH, *YEAR]),
        ([0, 7, 14.5], [*TIME]),
    ],
)
def test_cycle_that_training_rows_do_not_go_round_is_not_seen(
    days: list[float], kept: list[int]
) -> None:
    assert parts_worth_seeing(np.array(days, np.float32)) == kept


@pytest.fixture(scope="module")
def dated_table() -> Table:
    """200 rows of two dates, one of them with times and gaps, a number and a text."""
    generator = np.random.default_rng(5)
    numeric = np.stack(
        [
            generator.integers(18_000, 20_000, 200),
            generator.normal(50, 20, 200),
            np.floor(generator.uniform(19_000, 19_100, 200) * 256) / 256,
        ],
        axis=1,
    ).astype(np.float32)
    numeric[generator.random(200) < 0.2, 2] = np.nan
    return Table(
        source="dated",
        target="y",
        columns=(
            Column("born", "date"),
            Column("weight", "number"),
            Column("town", "category"),
            Column("seen", "date"),
        ),
        labels=("u", "v"),
        features=Features(numeric, generator.choice(["Bonn", "Ulm"], (200, 1)).astype(object)),
        class_index=generator.integers(0, 2, 200),
    )


@pytest.fixture(scope="module", params=[0, 4], ids=["plain", "bins"])
def model(request: pytest.FixtureRequest, dated_table: Table) -> TrainedModel:
    return untrained(dated_table, bins=request.param)


@settings(max_examples=60)
@given(
    born=st.lists(
        st.floats(width=32, allow_nan=False) | st.integers(-800_000, 3_000_000), max_size=6
    ),
    seen=st.floats(width=32) | st.floats(-60_000, 60_000, width=32),
)
def test_graph_sees_what_pytorch_sees(model: TrainedModel, born: list[float], seen: float) -> None:
    numeric = np.array([[day, 50, seen] for day in born], np.float32).reshape(-1, 3)
    rows = Features(numeric, np.full((len(born), 1), "Ulm", object))
    session = ort.InferenceSession(export(model))

    found = session.run(["probabilities"], rows.tensors(model.signature.inputs))[0]

    np.testing.assert_allclose(found, model.probabilities(rows), atol=1e-5)


def test_graph_without_gaps_takes_dates_alone(dated_table: Table) -> None:
    numeric = dated_table.features.numeric[:, :1]
    table = replace(
        dated_table,
        columns=dated_table.columns[:1],
        features=Features(numeric, np.empty((200, 0), object)),
    )
    model = untrained(table)

    found = ort.InferenceSession(export(model)).run(["probabilities"], {"features": numeric})[0]

    assert model.preprocessing.n_encoded == 1 + 7 + 2 + 2
    np.testing.assert_allclose(found, model.probabilities(table.features), atol=1e-5)


def test_golden_rows_hold_iso_dates_of_the_training_range(model: TrainedModel) -> None:
    golden = make_golden(model, seed=1)

    born = [str(row[0]) for row in golden.rows]
    seen = [str(row[3]) for row in golden.rows if row[3] is not None]
    assert all("2019-04-14" <= day <= "2024-10-04" and len(day) == 10 for day in born)
    assert any("T" in day for day in seen)
    assert len(seen) < len(born)
