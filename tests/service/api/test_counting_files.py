"""Counts that several workers share, in memory that is full."""

import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service_process import ROOT

# 5,000 label sets are more than a mebibyte, and more than what is reserved.
_PROGRAM = """
import logging, os, sys
from service.api.metrics import Metrics
logging.basicConfig(format="%(message)s")
os.environ["PROMETHEUS_MULTIPROC_DIR"] = sys.argv[1]
metrics = Metrics(sys.argv[1])
for version in range(5_000):
    metrics.count_unusual_cells("m", version, "age", "missing", 2)
for status in range(200, 600):
    metrics.count_request(":predict", status, 0.001)
    metrics.count_request(":predict", 200, 0.001)
metrics.count_unusual_cells("m", 0, "age", "missing", 2)
lines = metrics.text().decode().splitlines()
print(sum(line.startswith("mlpserve_unusual_cells_total{") for line in lines))
print(*(line for line in lines if 'count{status="200"' in line or 'version="0"' in line), sep="\\n")
"""


@pytest.fixture
def small_memory(tmp_path: Path) -> Iterator[Path]:
    """A folder of one mebibyte of memory."""
    if not Path("/bin/mount").exists():
        pytest.skip("memory of a bounded size is mounted by /bin/mount")
    mounted = subprocess.run(
        ["/bin/mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(tmp_path)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("memory of a bounded size can be had by root alone")
    yield tmp_path
    subprocess.run(["/bin/umount", str(tmp_path)], check=True)


def _count(folder: Path, *, largest_file: int | None = None) -> tuple[list[str], list[str]]:
    def bound() -> None:
        if largest_file is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))

    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=bound,
        timeout=120,
    )
    assert done.returncode == 0, (done.returncode, done.stderr[-500:])
    return done.stdout.splitlines(), done.stderr.splitlines()


def _assert_some_are_counted_and_one_line_says_so(out: list[str], told: list[str]) -> None:
    kept, *known = out
    known.sort()
    assert 500 < int(kept) < 5_000
    # What was counted before goes on being counted.
    assert known == [
        'mlpserve_request_seconds_count{status="200",verb="predict"} 401.0',
        'mlpserve_unusual_cells_total{feature="age",kind="missing",model="m",version="0"} 4.0',
    ]
    assert len(told) == 1
    assert "no space" in told[0]


def test_counts_that_outgrow_full_memory_are_left_out(small_memory: Path) -> None:
    _assert_some_are_counted_and_one_line_says_so(*_count(small_memory))


def test_counts_that_outgrow_the_largest_file_are_left_out(tmp_path: Path) -> None:
    _assert_some_are_counted_and_one_line_says_so(*_count(tmp_path, largest_file=512 * 1024))


def test_counting_files_grow_where_there_is_space(tmp_path: Path) -> None:
    out, told = _count(tmp_path)

    assert int(out[0]) == 5_000
    assert told == []
    # Each byte of them has its place in memory before it is written.
    files = list(tmp_path.glob("*.db"))
    assert len(files) == 2
    for file in files:
        assert file.stat().st_blocks * 512 >= file.stat().st_size
