"""A million made-up bodies through every decoder and its slow twin, a tenth of them over HTTP.

One in ten thousand is about the limits: a mebibyte and more, too many rows, too many bytes.

    make fuzz                             some ten minutes
    python -m benchmarks.fuzz_bodies --bodies 100000 --seed 7

Ends with status 1 at the first body for which two ways disagree, a server error comes, or no
answer does; the seed and the body's number make it again.
"""

import argparse
import sys
from collections import Counter
from contextlib import closing

from tqdm import tqdm

from benchmarks.fuzzing.bodies import Body, make_body
from benchmarks.fuzzing.decoders import Disagreement, accepts
from benchmarks.fuzzing.long_bodies import BODY_LIMIT, make_long_body
from benchmarks.fuzzing.over_http import BothWays
from benchmarks.fuzzing.subjects import shipped
from benchmarks.serving.arguments import positive
from benchmarks.serving.servers import ROOT, free_port, service

_SENT_ONE_IN, _MOST_PIPELINED, _LONG_ONE_IN = 10, 4, 10_000


def main() -> int:
    """Make, decode, send and compare; print what was seen."""
    asked = _parser().parse_args()
    port, seen = free_port(), Counter[str]()
    with (
        service(ROOT / "models", port, "--body-limit-bytes", str(BODY_LIMIT)),
        closing(BothWays(port, asked.seed)) as ways,
    ):
        try:
            _run(asked.seed, asked.bodies, ways, seen)
        except Disagreement as exc:
            print(f"mlpserve: {type(exc).__name__}, seed {asked.seed}, {exc}", file=sys.stderr)
            return 1
    statuses = ", ".join(
        f"{count:,} of {status}" for status, count in sorted(ways.statuses.items())
    )
    print(
        f"seed {asked.seed}: {seen.total():,} bodies, {seen['accepted']:,} accepted and "
        f"{seen['refused']:,} refused; over HTTP {ways.statuses.total():,} answers: {statuses}; "
        "disagreements 0, server errors 0, unanswered 0"
    )
    return 0


def _run(seed: int, count: int, ways: BothWays, seen: Counter[str]) -> None:
    models = shipped(ROOT / "models")
    group: list[Body] = []
    for number in tqdm(range(count), unit="body", disable=None):
        body = make_body(seed, number, models)
        seen["accepted" if accepts(body) else "refused"] += 1
        if number % _SENT_ONE_IN == 0:
            group.append(body)
        if len(group) > number // _SENT_ONE_IN % _MOST_PIPELINED:
            ways.check(group)
            group.clear()
        if number % _LONG_ONE_IN == 0:
            long = make_long_body(seed, number, models)
            seen["accepted" if accepts(long) else "refused"] += 1
            ways.check([long])
    if group:
        ways.check(group)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--bodies", type=positive, default=1_000_000, help="so many (default: 1,000,000)"
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="other bodies for another number (default: 0)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
