"""Unusual cells are counted after the answers, many rows at once, and every one of them."""

import asyncio

import numpy as np
import pytest

from service.api import metrics as metrics_module
from service.api.metrics import OTHER_FEATURES, Metrics
from service.api.tally import Tally
from service.inference.features import Features, numbers_only
from service.inference.predictor import Predictor, open_version
from service.model_repository.layout import PublishedVersion

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def version(digits: PublishedVersion) -> Predictor:
    return open_version(digits)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def _far(rows: int) -> Features:
    features = np.zeros((rows, 64), np.float32)
    features[:, 1] = 100
    return numbers_only(features)


def _counted(metrics: Metrics) -> dict[str, float]:
    lines = metrics.text().decode().splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if line.startswith("mlpserve_unusual_cells_to"))
    return {labels.partition("{")[2]: float(value) for labels, value in pairs}


async def test_rows_are_counted_a_moment_after_they_came(version: Predictor) -> None:
    metrics = Metrics()
    tally = Tally(metrics)
    for _ in range(5):
        tally.add(version, _far(3))

    at_once = _counted(metrics)
    for _ in range(200):
        if _counted(metrics):
            break
        await asyncio.sleep(0.05)

    assert at_once == {}
    assert list(_counted(metrics).values()) == [15]


@pytest.mark.parametrize("requests", [[1, 2, 0, 3, 5000], [300, 211, 1, 7491], [1] * 8003])
async def test_rows_of_a_busy_moment_stand_for_those_that_follow(
    requests: list[int], version: Predictor
) -> None:
    metrics = Metrics()
    tally = Tally(metrics)
    for rows in requests:
        tally.add(version, _far(rows))
    tally.settle()

    (labels,) = _counted(metrics)
    assert 'feature="pixel_0_1",kind="out_of_range",model="digits",version="1"' in labels
    assert _counted(metrics)[labels] == sum(requests)


async def test_features_beyond_a_number_are_counted_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(metrics_module, "_MOST_NAMED", 2)
    metrics = Metrics()
    for feature in ("a" * 500, "b", "c", "d", "b"):
        metrics.count_unusual_cells("m", 1, feature, "missing", 1)

    counted = _counted(metrics)
    assert len(counted) == 3
    assert max(map(len, counted)) < 200
    (others,) = (value for labels, value in counted.items() if OTHER_FEATURES in labels)
    assert others == 2
