"""Bodies about the limits: more than a mebibyte, more rows than are taken, more bytes than are."""

from collections.abc import Callable, Sequence
from random import Random

from benchmarks.fuzzing.bodies import Body, make_row
from benchmarks.fuzzing.damage import damaged_bytes
from benchmarks.fuzzing.decoders import ROW_LIMIT
from benchmarks.fuzzing.subjects import Model

BODY_LIMIT = 2 * 1024 * 1024
_ROW_BYTES = 1024 * 1024
_DIFFERENT_ROWS = 20
_MOST_ODD = 100_000


def make_long_body(seed: int, number: int, models: Sequence[Model]) -> Body:
    """The long body of that number: the same for the same seed and models."""
    rng = Random((seed << 40) + number)  # noqa: S311 - no secret is made of it
    model = rng.choice(models)
    verb = rng.choice(("predict", "activations"))
    kind, well_formed = rng.choice(_KINDS)
    return Body(number, f"{model.path}:{verb}", model, kind(rng, model), well_formed)


def _long_rows(rng: Random, model: Model) -> bytes:
    """As many rows as are taken, or as a mebibyte and a little more holds."""
    some = _some_rows(rng, model)
    mean = sum(map(len, some)) // len(some) + 1
    return _rows(some, min(ROW_LIMIT, _ROW_BYTES // mean + rng.randint(1, 100)))


def _many_rows(rng: Random, model: Model) -> bytes:
    return _rows(_some_rows(rng, model), ROW_LIMIT + rng.randint(1, 100))


def _blanks(rng: Random, model: Model) -> bytes:
    """A sound body whose length is just within the limit."""
    content = _rows(_some_rows(rng, model), rng.randint(1, 3))
    return content + b" " * (BODY_LIMIT - len(content))


def _too_long(rng: Random, model: Model) -> bytes:
    return _blanks(rng, model) + b" " * rng.choice((1, 1000, BODY_LIMIT // 2))


def _damaged(rng: Random, model: Model) -> bytes:
    return damaged_bytes(rng, _long_rows(rng, model)[:BODY_LIMIT])


def _odd(rng: Random, _model: Model) -> bytes:
    """Very many of what there is usually little of."""
    count = rng.randrange(ROW_LIMIT, _MOST_ODD)
    keys = ",".join(f'"{place}":1' for place in range(count))
    return rng.choice(
        (
            f"{{{keys}}}",
            f'{{"instances":[{{{keys}}}]}}',
            f'{{"inputs":{{{keys}}}}}',
            f'{{"instances":[{",".join(["[]"] * count)}]}}',
            f'{{"instances":[{",".join(["{}"] * count)}]}}',
            f'{{"instances":[[{",".join(["1"] * count)}]]}}',
            f'{{"instances":[[{",".join(["[]"] * count)}]]}}',
        )
    ).encode()


def _some_rows(rng: Random, model: Model) -> list[str]:
    return [f"[{','.join(make_row(rng, model))}]" for _ in range(_DIFFERENT_ROWS)]


def _rows(some: Sequence[str], count: int) -> bytes:
    listed = (list(some) * (count // len(some) + 1))[:count]
    return f'{{"instances":[{",".join(listed)}]}}'.encode()


# What is well-formed is accepted; whatever is too long never comes to a decoder.
_KINDS: tuple[tuple[Callable[[Random, Model], bytes], bool], ...] = (
    (_long_rows, True),
    (_many_rows, False),
    (_blanks, True),
    (_too_long, True),
    (_damaged, False),
    (_odd, False),
)
