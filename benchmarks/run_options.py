"""Compare ONNX Runtime's settings on a small and on a wide network, at 1 row and at more.

make bench-options               a minute
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime as ort

from benchmarks.serving.models import SMALL, WIDE, publish

ROUNDS, SECONDS = 9, 0.05
ROWS = (1, 2, 4, 8, 16, 64)
Change = Callable[[ort.SessionOptions], None]


def main() -> None:
    """Print microseconds a run of the probabilities, the medians of interleaved repeats."""
    with tempfile.TemporaryDirectory() as folder:
        models = Path(folder) / "models"
        models.mkdir()
        print("training two models")
        served = publish(models)
        artifacts = {name: served[name].artifact.read_bytes() for name in (SMALL, WIDE)}
        rows = {name: served[name].rows(max(ROWS)) for name in (SMALL, WIDE)}
    for name, artifact in artifacts.items():
        _print(name, artifact, rows[name])


def _changes() -> dict[str, Change]:
    def set_to(name: str, value: object) -> Change:
        return lambda options: setattr(options, name, value)

    def threads(count: int, *, spin: bool) -> Change:
        def change(options: ort.SessionOptions) -> None:
            options.intra_op_num_threads = count
            options.add_session_config_entry("session.intra_op.allow_spinning", str(int(spin)))

        return change

    return {
        "as served": lambda _: None,
        "memory arena": set_to("enable_cpu_mem_arena", True),
        "no memory pattern": set_to("enable_mem_pattern", False),
        "nodes in parallel": set_to("execution_mode", ort.ExecutionMode.ORT_PARALLEL),
        "graph not optimised": set_to(
            "graph_optimization_level", ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        ),
        "2 threads": threads(2, spin=False),
        "2 threads, spinning": threads(2, spin=True),
    }


def _print(
    name: str, artifact: bytes, rows: "np.ndarray[tuple[int, int], np.dtype[np.float32]]"
) -> None:
    sessions = {change: _session(artifact, made) for change, made in _changes().items()}
    print(f"\n{name:21}" + "".join(f"{count:>9}" for count in ROWS))
    times: dict[tuple[str, int], list[float]] = {}
    for _ in range(ROUNDS):
        for change, session in sessions.items():
            for count in ROWS:
                seconds = _seconds(session, rows[:count])
                times.setdefault((change, count), []).append(seconds)
    for change in sessions:
        medians = (statistics.median(times[change, count]) * 1e6 for count in ROWS)
        print(f"{change:21}" + "".join(f"{median:9.1f}" for median in medians))


def _session(artifact: bytes, change: Change) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    change(options)
    return ort.InferenceSession(artifact, options)


def _seconds(session: ort.InferenceSession, rows: object) -> float:
    began, runs = time.perf_counter(), 0
    while (passed := time.perf_counter() - began) < SECONDS:
        session.run(["probabilities"], {"features": rows})
        runs += 1
    return passed / runs


if __name__ == "__main__":
    main()
