"""What is counted of requests, and where several workers count together."""

import asyncio
import errno
import os
import tempfile
import threading
from pathlib import Path

import httpx
import pytest
from prometheus_client import values

from service.api import metrics
from service.api.metrics import shared_folder
from service.errors import NoSharedFolder


@pytest.mark.anyio
async def test_requests_are_counted_by_verb_and_status(client: httpx.AsyncClient) -> None:
    row = [0.0] * 64
    await client.post("/v1/models/digits:predict", json={"instances": [row]})
    await client.post("/v1/models/digits:predict", json={"instances": [row, row]})
    await client.post("/v1/models/digits:predict", json={"instances": [[1]]})
    await client.post("/v1/models/digits:activations", json={"instances": [row]})
    await client.post("/v1/activations/relu:evaluate", json={"x": [1]})

    text = (await client.get("/metrics")).text

    counts = [line for line in text.splitlines() if line.startswith("mlpserve_request_seconds_cou")]
    assert sorted(counts) == [
        'mlpserve_request_seconds_count{status="200",verb="activations"} 1.0',
        'mlpserve_request_seconds_count{status="200",verb="evaluate"} 1.0',
        'mlpserve_request_seconds_count{status="200",verb="predict"} 2.0',
        'mlpserve_request_seconds_count{status="422",verb="predict"} 1.0',
    ]


def test_without_a_place_to_count_together_it_is_told_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "_SHARED_MEMORY", str(tmp_path / "none"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "neither"))

    with pytest.raises(NoSharedFolder, match="--workers 1 needs none"), shared_folder():
        pytest.fail("there is no such folder")


def test_worker_without_space_to_count_with_others_counts_alone_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    monkeypatch.setattr(values, "ValueClass", values.ValueClass)

    counted = metrics.Metrics(str(tmp_path))
    counted.count_request(":predict", 200, 0.001)

    assert b'mlpserve_request_seconds_count{status="200",verb="predict"} 1.0' in counted.text()
    assert "no space in" in caplog.text


@pytest.mark.anyio
async def test_scrapes_at_once_share_one_run_beside_the_loop(
    monkeypatch: pytest.MonkeyPatch, client: httpx.AsyncClient
) -> None:
    threads: list[str] = []
    gate = threading.Event()

    def text(_: metrics.Metrics) -> bytes:
        threads.append(threading.current_thread().name)
        assert gate.wait(10)
        return b"all"

    monkeypatch.setattr(metrics.Metrics, "text", text)
    scrapes = [asyncio.create_task(client.get("/metrics")) for _ in range(5)]
    live = await client.get("/v2/health/live")
    await asyncio.sleep(0.1)
    gate.set()

    assert [(await scrape).text for scrape in scrapes] == ["all"] * 5
    assert live.status_code == 200
    assert len(threads) == 1
    assert threads[0] != threading.current_thread().name
