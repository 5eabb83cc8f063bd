"""Bodies that atheris grows by coverage: every decoder against its slow twin.

    make fuzz-guided                      ten minutes
    python -m benchmarks.fuzz_guided --seconds 60 --corpus FOLDER

Begins with bodies such as `make fuzz` sends and keeps those that reach new code, in FOLDER if one
is named. Ends at the first body on which two ways disagree; it is in the traceback.
"""

import argparse
import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import atheris

from benchmarks.serving.arguments import positive
from benchmarks.serving.servers import ROOT

with atheris.instrument_imports(include=["service.codecs", "service.inference.features"]):
    from benchmarks.fuzzing.bodies import Body, make_body
    from benchmarks.fuzzing.decoders import accepts
    from benchmarks.fuzzing.subjects import EVALUATE_PATHS, Model, shipped
    from benchmarks.fuzzing.tokens import EDGES, OTHERS, USUAL, edge_number

_FIRST_BODIES, _LONGEST = 2_000, 8 * 1024
_BYTEWISE = 0.5
_VALUE = re.compile(rb'-?[0-9][0-9.eE+-]*|"[^"]*"|null|true|false')

# A body's first byte says which of these it is for.
Target = tuple[str, Model | None]


def main() -> None:
    """Fuzz; libFuzzer ends the process."""
    asked = _parser().parse_args()
    models = shipped(ROOT / "models")
    targets = _targets(models)
    with tempfile.TemporaryDirectory() as made:
        corpus = made if asked.corpus is None else asked.corpus
        _write_first(Path(corpus), models, targets)
        bounds = [f"-max_total_time={asked.seconds}", f"-max_len={_LONGEST}"]
        flags = [*bounds, f"-seed={asked.seed}", f"-artifact_prefix={corpus}/"]
        command = [sys.argv[0], *flags, str(corpus)]
        atheris.Setup(command, _check(targets), custom_mutator=_mutated)
        atheris.Fuzz()


def _targets(models: Sequence[Model]) -> list[Target]:
    verbs = ("predict", "activations")
    rows: list[Target] = [(f"{model.path}:{verb}", model) for model in models for verb in verbs]
    return [*rows, (EVALUATE_PATHS[0], None)]


def _check(targets: Sequence[Target]) -> Callable[[bytes], None]:
    def check(given: bytes) -> None:
        if given:
            path, model = targets[given[0] % len(targets)]
            accepts(Body(0, path, model, given[1:], well_formed=False))

    return check


def _mutated(given: bytes, most: int, seed: int) -> bytes:
    """Changed in some byte, or, so that it stays JSON more often, in one of its values."""
    rng = Random(seed)  # noqa: S311 - no secret is made of it
    values = list(_VALUE.finditer(given, 1))
    if not values or rng.random() < _BYTEWISE:
        return bytes(atheris.Mutate(given, most))
    start, end = rng.choice(values).span()
    other = rng.choice((*EDGES, *OTHERS, *USUAL)) if rng.random() < 0.7 else edge_number(rng)
    return (given[:start] + other.encode() + given[end:])[:most]


def _write_first(folder: Path, models: Sequence[Model], targets: Sequence[Target]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    places = {path: place for place, (path, _) in enumerate(targets)}
    for number in range(_FIRST_BODIES):
        body = make_body(0, number, models)
        place = places.get(body.path, len(targets) - 1)
        (folder / f"first-{number}").write_bytes(bytes([place]) + body.content)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=positive, default=600, help="so long (default: 600)")
    parser.add_argument("--seed", type=positive, default=1, help="another way to go (default: 1)")
    parser.add_argument("--corpus", type=Path, help="a folder of bodies to begin with and to keep")
    return parser


if __name__ == "__main__":
    main()
