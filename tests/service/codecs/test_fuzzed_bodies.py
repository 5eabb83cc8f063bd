"""A short form of `make fuzz`: made-up bodies through every decoder, and over HTTP both ways."""

from contextlib import closing
from dataclasses import replace
from urllib.parse import urlsplit

from benchmarks.fuzzing.bodies import make_body
from benchmarks.fuzzing.decoders import accepts
from benchmarks.fuzzing.long_bodies import BODY_LIMIT, make_long_body
from benchmarks.fuzzing.over_http import BothWays
from benchmarks.fuzzing.subjects import shipped
from service.inference.features import row_format
from tests.service.conftest import MODELS
from tests.service_process import started

SEED = 5


def test_every_decoder_agrees_with_its_slow_twin() -> None:
    models = shipped(MODELS)
    bodies = [make_body(SEED, number, models) for number in range(5_000)]

    accepted = sum(map(accepts, bodies))

    assert accepted >= 3_000
    assert len(bodies) - accepted >= 500


def test_dates_are_decoded_as_python_reads_them() -> None:
    penguins = shipped(MODELS)[1]
    signature = penguins.manifest.signature
    features = tuple(
        f.model_copy(update={"dtype": "date"}) if f.name in ("year", "body_mass_g") else f
        for f in signature.features
    )
    manifest = penguins.manifest.model_copy(
        update={"signature": signature.model_copy(update={"features": features})}
    )
    dated = replace(penguins, manifest=manifest, form=row_format(manifest.signature))
    bodies = [make_body(SEED, number, (dated,)) for number in range(1_000)]

    accepted = sum(map(accepts, bodies))

    assert accepted >= 500
    assert len(bodies) - accepted >= 100


def test_bodies_about_the_limits_are_answered_the_same_both_ways() -> None:
    models = shipped(MODELS)
    bodies = [make_long_body(SEED, number, models) for number in range(5)]

    accepted = sum(map(accepts, bodies))

    limit = ("--body-limit-bytes", str(BODY_LIMIT))
    with started("--models", MODELS, *limit) as service:
        port = urlsplit(service.url).port
        assert port is not None
        with closing(BothWays(port, SEED)) as ways:
            for body in bodies:
                ways.check([body])
    assert 0 < accepted < len(bodies)
    assert ways.statuses.keys() >= {200, 413, 422}
    assert ways.statuses.total() == 2 * len(bodies)


def test_bodies_in_chunks_and_segments_are_answered_as_those_of_a_declared_length() -> None:
    models = shipped(MODELS)
    bodies = [make_body(SEED, number, models) for number in range(300)]

    with started("--models", MODELS) as service:
        port = urlsplit(service.url).port
        assert port is not None
        with closing(BothWays(port, SEED)) as ways:
            for start in range(0, len(bodies), 3):
                ways.check(bodies[start : start + 3])

    assert ways.statuses.keys() >= {200, 400, 422}
    assert ways.statuses.total() == 2 * len(bodies)
