"""Memory of a worker over a million requests of 1, 64, 1,000 and 10,000 rows.

    make bench-soak                       some minutes; needs wrk (apt-get install wrk)
    python -m benchmarks.soak --requests 100000 --plot soak.svg

Ends with status 1 if memory is over 5 MiB more in the last tenth of the load than in the second.
"""

import argparse
import statistics
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
import orjson
import psutil
from matplotlib.figure import Figure

from benchmarks.serving.arguments import positive
from benchmarks.serving.servers import ROOT, free_port, service
from benchmarks.serving.wrk import AnswersWrong, Work, WrkMissing, check_wrk, drive

# Of a hundred requests.
_MIX = {1: 90, 64: 8, 1_000: 1, 10_000: 1}
_CONNECTIONS, _SLICE_S, _SAMPLE_S = 16, 10, 0.5
_GROWTH_MIB = 5
_PATH = "/v1/models/digits:predict"


class _Watch:
    """Samples a process's resident memory, in MiB, against the seconds since it was made."""

    def __init__(self, pid: int) -> None:
        self.samples: list[tuple[float, float]] = []
        self._process = psutil.Process(pid)
        self._began = time.monotonic()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> "_Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._done.wait(_SAMPLE_S):
            resident = self._process.memory_info().rss / 2**20
            self.samples.append((time.monotonic() - self._began, resident))


def main() -> int:
    """Load, print, plot; status 1 when memory grows or an answer is wrong, 2 without wrk."""
    asked = _parser().parse_args()
    try:
        check_wrk()
        port = free_port()
        with service(ROOT / "models", port) as process, _Watch(process.pid) as watch:
            total = _load(port, asked.requests)
    except (AnswersWrong, WrkMissing) as exc:
        print(f"mlpserve: {exc}", file=sys.stderr)
        return 2 if isinstance(exc, WrkMissing) else 1
    resident = [mib for _, mib in watch.samples]
    tenth = len(resident) // 10
    early = statistics.median(resident[tenth : 2 * tenth])
    late = statistics.median(resident[-tenth:])
    print(
        f"{total:,} requests: {early:.0f} MiB in the second tenth of the load, {late:.0f} MiB in "
        f"the last, {max(resident):.0f} MiB at most"
    )
    if asked.plot is not None:
        _plot(watch.samples, total, asked.plot)
    return int(late > early + _GROWTH_MIB)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--requests", type=positive, default=1_000_000, help="at least (default: 1,000,000)"
    )
    parser.add_argument("--plot", type=Path, help="draw memory over time into this SVG file")
    return parser


def _load(port: int, least: int) -> int:
    work = Work(_bodies(), '"model_name":"digits"', _CONNECTIONS)
    total = 0
    while total < least:
        total += drive(f"http://127.0.0.1:{port}{_PATH}", work, _SLICE_S).requests
        print(f"{total:,} requests", file=sys.stderr)
    return total


def _bodies() -> tuple[bytes, ...]:
    """A hundred bodies in an order without a pattern."""
    generator = np.random.default_rng(0)
    made = {}
    for rows in _MIX:
        pixels = generator.integers(0, 17, (rows, 64)).astype(np.float32)
        made[rows] = orjson.dumps({"instances": pixels}, option=orjson.OPT_SERIALIZE_NUMPY)
    order = generator.permutation([rows for rows, share in _MIX.items() for _ in range(share)])
    return tuple(made[rows] for rows in order.tolist())


def _plot(samples: Sequence[tuple[float, float]], total: int, path: Path) -> None:
    # The same bytes from the same numbers.
    mpl.rcParams["svg.hashsalt"] = "mlpserve"
    figure = Figure(figsize=(7, 3), layout="constrained")
    axes = figure.add_subplot(
        title=f"One worker, {total:,} requests of 1 to 10,000 rows",
        xlabel="seconds",
        ylabel="resident memory, MiB",
    )
    axes.plot(*zip(*samples, strict=True), linewidth=1)
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    sys.exit(main())
