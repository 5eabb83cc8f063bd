"""Runs that never end, and answers of too few rows, of versions that are served."""

import asyncio
from pathlib import Path

import httpx
import numpy as np
import pytest

from service.errors import OutputsUnfit, RunTooLong
from service.inference.features import Features, Floats, numbers_only
from service.inference.predictor import Predictor, open_version
from service.inference.run_limit import Watchdog
from service.model_repository.layout import read_version
from service.settings import Settings
from tests.service import graphs
from tests.service.conftest import running

pytestmark = pytest.mark.anyio

Outcome = list[Floats] | Exception
PROBABILITIES = ("probabilities",)


def _opened(tmp_path: Path, artifact: bytes) -> Predictor:
    folder = graphs.publish(tmp_path, "odd", artifact)
    files = read_version(folder, root=tmp_path, name="odd", number=1)
    return open_version(files, run_limit_s=0.3, watchdog=Watchdog())


def _rows(count: int) -> Features:
    return numbers_only(np.random.default_rng(count).normal(size=(count, 2)).astype(np.float32))


async def _each(predictor: Predictor, *rows: Features) -> list[Outcome]:
    loop = asyncio.get_running_loop()
    futures: list[asyncio.Future[Outcome]] = [loop.create_future() for _ in rows]
    for features, future in zip(rows, futures, strict=True):
        predictor.scheduler.submit(features, PROBABILITIES, future.set_result)
    return list(await asyncio.gather(*futures))


def _is_answer(outcome: Outcome, rows: Features) -> bool:
    raised = np.exp(rows.numeric)
    expected = raised / raised.sum(axis=1, keepdims=True)
    return not isinstance(outcome, Exception) and np.allclose(outcome[0], expected, atol=1e-6)


async def test_run_without_an_end_is_ended_and_others_are_answered(tmp_path: Path) -> None:
    predictor = _opened(tmp_path, graphs.endless(from_rows=65))

    (endless,) = await _each(predictor, _rows(80))
    (sound,) = await _each(predictor, _rows(3))

    assert isinstance(endless, RunTooLong)
    assert str(endless) == "the run was ended: expected at most 0.3 seconds for 80 rows"
    assert _is_answer(sound, _rows(3))


async def test_version_that_took_too_long_on_the_loop_runs_in_the_thread(tmp_path: Path) -> None:
    predictor = _opened(tmp_path, graphs.endless(from_rows=65))
    here: list[int] = []
    on_loop = predictor.scheduler.run_on_loop
    assert on_loop is not None

    def noting(features: Features, outputs: "tuple[str, ...]") -> list[Floats]:
        here.append(len(features))
        return on_loop(features, outputs)

    predictor.scheduler.run_on_loop = noting  # type: ignore[assignment]
    await _each(predictor, _rows(80))

    again = await _each(predictor, _rows(90), _rows(2))

    assert here == [80]
    assert isinstance(again[0], RunTooLong)


async def test_ended_run_leaves_the_next_one_its_whole_time(tmp_path: Path) -> None:
    predictor = _opened(tmp_path, graphs.endless(from_rows=65))
    watchdog = Watchdog()
    run = predictor.model.bounded(name="odd", limit_s=0.1, watchdog=watchdog)

    for _ in range(3):
        with pytest.raises(RunTooLong):
            run(_rows(70), PROBABILITIES)
        assert len(run(_rows(64), PROBABILITIES)[0]) == 64


async def test_too_few_rows_fail_the_request_and_shift_no_other(tmp_path: Path) -> None:
    predictor = _opened(tmp_path, graphs.fewer(at_rows=19))
    parts = _rows(4), _rows(10), _rows(5)

    together = await _each(predictor, *parts)
    (alone,) = await _each(predictor, _rows(19))

    assert all(_is_answer(outcome, rows) for outcome, rows in zip(together, parts, strict=True))
    assert isinstance(alone, OutputsUnfit)
    assert str(alone) == (
        "the output 'probabilities' has the shape [18, 2]: expected a value for each of 19 rows"
    )


async def test_failures_of_a_run_have_a_status_and_a_sentence(tmp_path: Path) -> None:
    graphs.publish(tmp_path, "fewer", graphs.fewer(at_rows=19))
    graphs.publish(tmp_path, "endless", graphs.endless(from_rows=65))
    async with running(Settings(models=tmp_path, run_limit_s=0.2)) as client:

        async def ask(name: str, rows: int) -> httpx.Response:
            body = {"instances": [[0.0, 1.0]] * rows}
            return await client.post(f"/v1/models/{name}:predict", json=body)

        fewer, endless = await ask("fewer", 19), await ask("endless", 66)
        live = await client.get("/v2/health/live")

    assert (fewer.status_code, fewer.json()["type"]) == (500, "urn:mlpserve:problem:run-failed")
    assert (endless.status_code, endless.json()["type"]) == (
        504,
        "urn:mlpserve:problem:run-too-long",
    )
    assert live.status_code == 200
