"""What one worker with the digits model costs before anybody asks it anything."""

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from benchmarks.serving.servers import ROOT, free_port, get, service

_IDLE_S = 20


def print_footprint(repeats: int) -> None:
    """Seconds from start to ready, resident memory, processor time while idle."""
    with tempfile.TemporaryDirectory() as folder:
        models = Path(folder)
        shutil.copytree(ROOT / "models/digits", models / "digits")
        ready_s = statistics.median(_ready_s(models) for _ in range(repeats))
        port = free_port()
        with service(models, port) as running:
            process = psutil.Process(running.pid)
            for _ in range(200):
                get(port, "/v1/models/digits")
            memory = process.memory_info()
            before = process.cpu_times()
            time.sleep(_IDLE_S)
            after = process.cpu_times()
    idle = (after.user + after.system - before.user - before.system) / _IDLE_S
    print(
        "\n| one worker, digits | mlpserve | at most | aim |",
        "| --- | --- | --- | --- |",
        f"| start to ready | {ready_s:.2f} s | 1.2 s | 0.6 s |",
        f"| resident memory | {memory.rss / 2**20:.0f} MiB | 110 MiB | 85 MiB |",
        f"| of it not files | {(memory.rss - memory.shared) / 2**20:.0f} MiB | | |",
        f"| processor, idle | {idle:.2%} of a core | | 0 |",
        sep="\n",
    )


def _ready_s(models: Path) -> float:
    port = free_port()
    command = [sys.executable, "-m", "service", "--models", str(models), "--port", str(port)]
    started = time.perf_counter()
    process = subprocess.Popen([*command, "--workers", "1"], cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        while get(port, "/v2/health/ready")[0] != 200:
            time.sleep(0.005)
        return time.perf_counter() - started
    finally:
        process.terminate()
        process.wait()
