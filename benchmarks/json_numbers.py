"""Compare the ways from a JSON body of numbers to a float32 array, and from one to JSON.

make bench-json                  a quarter of a minute
"""

import json
import statistics
import time
from collections.abc import Callable

import numpy as np
import orjson
from pydantic import TypeAdapter
from typing_extensions import TypedDict

from service.codecs.json_body import parse_object
from service.codecs.json_numbers import rows_of_numbers
from service.codecs.json_rows import decode_rows
from service.inference.features import Floats, row_format
from service.model_repository.signature import Feature, Signature

SHAPES = ((1, 128), (64, 128), (1, 784))
ROUNDS, SECONDS = 9, 0.05


class _Body(TypedDict):
    instances: list[list[float]]


def main() -> None:
    """Print microseconds a body, the medians of interleaved repeats."""
    for rows, width in SHAPES:
        array = np.random.default_rng(0).uniform(0, 255, (rows, width)).astype(np.float32)
        body = orjson.dumps({"instances": array}, option=orjson.OPT_SERIALIZE_NUMPY)
        print(f"\n{rows} x {width}, {len(body):,} bytes")
        _print(_readers(body, width, array))
        _print(_writers(array))


def _readers(body: bytes, width: int, expected: Floats) -> dict[str, Callable[[], object]]:
    features = tuple(Feature(name=str(i)) for i in range(width))
    form = row_format(Signature(features=features, hidden=("hidden_1",)))
    pydantic = TypeAdapter(_Body)
    readers: dict[str, Callable[[], Floats | None]] = {
        "read: simdjson, checked": lambda: rows_of_numbers(body, width=width, row_limit=10_000),
        "read: orjson, checked": lambda: (
            decode_rows(parse_object(body), form=form, row_limit=10_000).numeric
        ),
        "read: orjson, numpy": lambda: np.array(orjson.loads(body)["instances"], np.float32),
        "read: Pydantic, numpy": lambda: np.array(
            pydantic.validate_json(body)["instances"], np.float32
        ),
        "read: json, numpy": lambda: np.array(json.loads(body)["instances"], np.float32),
    }
    for name, read in readers.items():
        assert np.array_equal(np.asarray(read()), expected), name
    return dict(readers)


def _writers(array: Floats) -> dict[str, Callable[[], object]]:
    return {
        "write: orjson, the array": lambda: orjson.dumps(array, option=orjson.OPT_SERIALIZE_NUMPY),
        "write: orjson, lists": lambda: orjson.dumps(array.tolist()),
        "write: json, lists": lambda: json.dumps(array.tolist()),
    }


def _print(ways: dict[str, Callable[[], object]]) -> None:
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            times[name].append(_seconds(way))
    for name, seconds in times.items():
        print(f"  {name:26} {statistics.median(seconds) * 1e6:8.1f} us")


def _seconds(way: Callable[[], object]) -> float:
    began, runs = time.perf_counter(), 0
    while (passed := time.perf_counter() - began) < SECONDS:
        way()
        runs += 1
    return passed / runs


if __name__ == "__main__":
    main()
