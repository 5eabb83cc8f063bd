"""Clients that send, split, pipeline, upgrade, half-close and leave, and a service that stops.

    make fuzz                             some five minutes of it
    python -m benchmarks.fuzz_connections --stories 10000 --seed 7

Each whole request must have one answer, in order. Hypothesis makes up what clients do and, where
that does not hold, looks for the shortest story that shows it; the status is then 1.
"""

import argparse
import sys
import traceback

from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from benchmarks.fuzzing.connections_machine import Connections
from benchmarks.serving.arguments import positive
from benchmarks.serving.servers import ROOT

_STEPS = 30


def main() -> int:
    """Run the state machine; print what was done."""
    asked = _parser().parse_args()
    Connections.models = ROOT / "models"
    long = settings(
        max_examples=asked.stories,
        stateful_step_count=_STEPS,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(seed(asked.seed)(Connections), settings=long)
    except Exception:  # noqa: BLE001 - whatever it was, it is told
        traceback.print_exc()
        return 1
    finally:
        Connections.end()
        done = ", ".join(f"{count:,} {what}" for what, count in sorted(Connections.done.items()))
        print(f"seed {asked.seed}: {Connections.seen.total():,} requests, {done}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stories", type=positive, default=1000, help="so many (default: 1,000)")
    parser.add_argument(
        "--seed", type=int, default=0, help="other stories for another number (default: 0)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
