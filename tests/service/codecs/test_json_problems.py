"""A million things wrong in a body are counted, and as many worded as are listed."""

from collections.abc import Callable

import pytest

from service.codecs import json_activation, json_body
from service.codecs.json_activation import decode_evaluate
from service.codecs.json_body import describe, refuse_unknown_keys
from service.codecs.json_rows import decode_rows
from service.errors import LISTED_PROBLEMS, InvalidInput
from service.inference.features import row_format
from service.model_repository.signature import Feature, Signature

MANY = 1_000_000
FORM = row_format(
    Signature(features=(Feature(name="age"), Feature(name="fare")), hidden=("hidden_1",))
)


@pytest.fixture
def described(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every value that is put into words."""
    values: list[object] = []

    def counted(value: object) -> str:
        values.append(value)
        return describe(value)

    monkeypatch.setattr(json_body, "describe", counted)
    return values


def _keys() -> str:
    return ",".join(f'"{number}":[]' for number in range(MANY))


def test_a_million_unknown_keys_are_counted_and_twenty_worded(described: list[object]) -> None:
    with pytest.raises(InvalidInput) as caught:
        refuse_unknown_keys([str(number) for number in range(MANY)], ("instances",))

    assert caught.value.total == MANY
    assert len(caught.value.problems) == len(described) == LISTED_PROBLEMS


@pytest.mark.parametrize(
    "content",
    [
        lambda: {"instances": [[]] * MANY},
        lambda: {"instances": [[], *[7] * (MANY - 1)]},
        lambda: {"instances": [{str(number): 0 for number in range(MANY - 2)}]},
        lambda: {"instances": [[None, None]] * (MANY // 2)},
        lambda: {"inputs": {str(number): 0 for number in range(MANY - 2)}},
        lambda: {"inputs": {"age": [None] * (MANY // 2), "fare": [""] * (MANY // 2)}},
    ],
    ids=["empty rows", "no rows", "keys of a row", "gaps", "columns", "cells of columns"],
)
def test_a_million_wrong_rows_cells_and_columns_are_counted_and_twenty_worded(
    content: Callable[[], dict[str, object]], described: list[object]
) -> None:
    with pytest.raises(InvalidInput) as caught:
        decode_rows(content(), form=FORM, row_limit=MANY)

    assert caught.value.total == MANY
    assert len(caught.value.problems) == LISTED_PROBLEMS
    assert len(described) <= 2 * LISTED_PROBLEMS


def test_a_million_wrong_parameters_are_counted_and_twenty_worded(
    described: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_activation, "refuse_oversized_points", lambda *_, **__: None)
    body = ('{"x": [1], "parameters": {' + _keys() + "}}").encode()

    with pytest.raises(InvalidInput) as caught:
        decode_evaluate(body, limit=1)

    assert caught.value.total == MANY
    assert len(caught.value.problems) == LISTED_PROBLEMS
    assert len(described) == 2 * LISTED_PROBLEMS
