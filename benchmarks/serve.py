"""The service under load against a plain FastAPI service and the server's own ceiling.

All servers run throughout, one process each, and are loaded in turn by wrk, repeat after repeat;
every answer is checked as it comes, and some are held to ONNX Runtime's own numbers before and
during each load. The figures are ratios within a repeat, and medians over the repeats. Request ids,
limits and metrics are on.

    make bench                       about five minutes on 2 cores; needs wrk (apt-get install wrk)
    python -m benchmarks.serve --seconds 5 --repeats 9 --only '1 row'
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from benchmarks.serving.arguments import positive
from benchmarks.serving.footprint import print_footprint
from benchmarks.serving.models import NAMED, SMALL, WIDE, Served, publish
from benchmarks.serving.servers import Checking, free_port, other, service
from benchmarks.serving.wrk import AnswersWrong, Load, Work, WrkMissing, check_wrk, drive

OURS, PLAIN, ECHO, ALONE = "mlpserve", "plain", "echo", "batching off"


@dataclass(frozen=True)
class Case:
    """One line of the table: `measure` of ours over that of the other, and what is wanted."""

    name: str
    other: str
    measure: Callable[[Load], float]
    unit: str
    wanted: float
    aim: float
    connections: int
    rows: int = 1
    kind: str = "lists"


def _rate(load: Load) -> float:
    return load.rate


def _median(load: Load) -> float:
    return load.median_us


def _p99(load: Load) -> float:
    return load.p99_us


CASES = (
    Case("1 row, 16 connections", PLAIN, _rate, "/s", 5, 8, 16),
    Case("1 row, 16 connections", ECHO, _rate, "/s", 0.45, 0.65, 16),
    Case("64 rows, 8 connections", PLAIN, _rate, "/s", 8, 10, 8, rows=64),
    Case("1 row as object, 16 connections", PLAIN, _rate, "/s", 3, 5, 16, kind="objects"),
    Case("1 row, 1 connection, median", PLAIN, _median, "us", 0.35, 0.25, 1),
    Case("1 row, 64 connections, p99", PLAIN, _p99, "us", 1 / 5, 1 / 8, 64),
    Case("wide, 64 connections", ALONE, _rate, "/s", 2, 4, 64, kind="wide"),
    Case("wide, 1 connection, median", ALONE, _median, "us", 1.05, 1.0, 1, kind="wide"),
    Case("1,000 points, 8 connections", PLAIN, _rate, "/s", 3, 5, 8, kind="evaluate"),
)


@dataclass(frozen=True)
class Target:
    """Where a server takes each kind of request."""

    port: int
    paths: dict[str, str]


@dataclass(frozen=True)
class Request:
    """A body, what every answer must contain, and what it must be within 1e-5."""

    body: bytes
    piece: str
    expected: dict[str, Any]


Key = tuple[str, int]
Loads = dict[tuple[Key, int, str], list[Load]]


def main() -> int:
    """Print the tables; status 1 when a server answered wrongly, 2 when wrk is missing."""
    parser = _parser()
    asked = parser.parse_args()
    cases = [case for case in CASES if asked.only in case.name]
    if not cases:
        names = ", ".join(f"'{case.name}'" for case in CASES)
        parser.error(f"--only: expected a part of one of {names}, got '{asked.only}'")
    try:
        check_wrk()
        with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
            models = Path(folder) / "models"
            models.mkdir()
            print("training two models", file=sys.stderr)
            served = publish(models)
            requests = _requests(served)
            targets = _start(stack, models, served, requests)
            loads: Loads = {}
            for repeat in range(asked.repeats):
                print(f"repeat {repeat + 1} of {asked.repeats}", file=sys.stderr)
                _load_all(cases, targets, requests, loads, seconds=asked.seconds)
            _print_table(cases, loads)
        if not asked.only:
            print_footprint(asked.repeats)
    except (AnswersWrong, WrkMissing) as exc:
        print(f"mlpserve: {exc}", file=sys.stderr)
        return 2 if isinstance(exc, WrkMissing) else 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=positive, default=3, help="of each load (default: 3)")
    parser.add_argument("--repeats", type=positive, default=5, help="of everything (default: 5)")
    parser.add_argument("--only", default="", help="cases whose name contains this (default: all)")
    return parser


def _requests(served: dict[str, Served]) -> dict[Key, Request]:
    small, named, wide = served[SMALL], served[NAMED], served[WIDE]
    one = named.rows(1)
    as_object = [dict(zip(named.names, map(float, one[0]), strict=True))]
    x = np.linspace(-8, 8, 1000)
    y = np.tanh(x)
    values = {"x": x.tolist(), "y": y.tolist(), "derivative": (1 - y * y).tolist()}
    return {
        ("lists", 1): _rows_request(small, small.rows(1)),
        ("lists", 64): _rows_request(small, small.rows(64)),
        ("wide", 1): _rows_request(wide, wide.rows(1)),
        ("objects", 1): Request(
            orjson.dumps({"instances": as_object}), *_answer(named.predictions(one))
        ),
        ("evaluate", 1): Request(orjson.dumps({"x": x.tolist()}), '"derivative":[', values),
    }


def _rows_request(model: Served, rows: Any) -> Request:
    body = orjson.dumps({"instances": rows}, option=orjson.OPT_SERIALIZE_NUMPY)
    return Request(body, *_answer(model.predictions(rows)))


def _answer(predictions: list[dict[str, Any]]) -> tuple[str, dict[str, Any]]:
    label = orjson.dumps(predictions[0]["label"]).decode()
    return f'"label":{label}', {"predictions": predictions}


def _start(
    stack: ExitStack, models: Path, served: dict[str, Served], requests: dict[Key, Request]
) -> dict[str, Target]:
    ours = {
        "lists": f"/v1/models/{SMALL}:predict",
        "objects": f"/v1/models/{NAMED}:predict",
        "wide": f"/v1/models/{WIDE}:predict",
        "evaluate": "/v1/activations/tanh:evaluate",
    }
    theirs = {"lists": "/predict", "objects": "/predict-objects", "evaluate": "/evaluate"}
    targets = {
        OURS: Target(free_port(), ours),
        ALONE: Target(free_port(), ours),
        PLAIN: Target(free_port(), theirs),
        ECHO: Target(free_port(), ours),
    }
    stack.enter_context(service(models, targets[OURS].port))
    stack.enter_context(service(models, targets[ALONE].port, "--batching", "off"))
    small, named = served[SMALL], served[NAMED]
    arguments = {
        "lists": str(small.artifact),
        "objects": str(named.artifact),
        "labels": {"lists": small.labels, "objects": named.labels},
        "names": named.names,
    }
    stack.enter_context(other({"plain": arguments}, targets[PLAIN].port))
    echoed = orjson.dumps(requests["lists", 1].expected).decode()
    stack.enter_context(other({"echo": echoed}, targets[ECHO].port))
    return targets


def _load_all(
    cases: Sequence[Case],
    targets: dict[str, Target],
    requests: dict[Key, Request],
    loads: Loads,
    *,
    seconds: int,
) -> None:
    loaded = {
        ((case.kind, case.rows), case.connections, server): None
        for case in cases
        for server in (case.other, OURS)
    }
    for key, connections, server in loaded:
        target, request = targets[server], requests[key]
        path = target.paths[key[0]]
        work = Work((request.body,), request.piece, connections)
        with Checking(target.port, path, request.body, request.expected):
            load = drive(f"http://127.0.0.1:{target.port}{path}", work, seconds)
        loads.setdefault((key, connections, server), []).append(load)


def _print_table(cases: Sequence[Case], loads: Loads) -> None:
    header = "| work | against | it | mlpserve | ratio | wanted | aim |"
    print(header, "| --- | --- | --- | --- | --- | --- | --- |", sep="\n")
    for case in cases:
        key = (case.kind, case.rows)
        theirs = [case.measure(load) for load in loads[key, case.connections, case.other]]
        ours = [case.measure(load) for load in loads[key, case.connections, OURS]]
        ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
        print(
            f"| {case.name} | {case.other} | {statistics.median(theirs):,.0f} {case.unit} "
            f"| {statistics.median(ours):,.0f} {case.unit} | {ratio:.2f} "
            f"| {case.wanted:.2g} | {case.aim:.2g} |"
        )


if __name__ == "__main__":
    sys.exit(main())
