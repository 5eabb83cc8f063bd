"""How many cores a process may use: those that it is bound to, or its container's share."""

import os
from pathlib import Path

import pytest

from service.cores import available_cores


@pytest.fixture
def three_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2})


@pytest.mark.usefixtures("three_cores")
@pytest.mark.parametrize(
    ("quota", "cores"),
    [
        ("max 100000", 3),
        ("150000 100000", 2),
        ("200000 100000", 2),
        ("10000 100000", 1),
        ("900000 100000", 3),
        ("", 3),
        ("something else", 3),
    ],
)
def test_quota_of_the_container_bounds_the_cores(tmp_path: Path, quota: str, cores: int) -> None:
    file = tmp_path / "cpu.max"
    file.write_text(quota)

    assert available_cores(file) == cores


@pytest.mark.usefixtures("three_cores")
def test_without_a_quota_the_bound_cores_count(tmp_path: Path) -> None:
    assert available_cores(tmp_path / "none") == 3
