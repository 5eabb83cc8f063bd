"""What is counted of requests, and where several workers count together."""

import tempfile
from pathlib import Path

import httpx
import pytest

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
