"""The tree of errors: drawn in full, and each with a status."""

from collections.abc import Iterator

import pytest

from service import errors
from service.api.problems import status_of
from service.errors import Problem, ServiceError, StartupError


def _below(kind: type[ServiceError]) -> Iterator[type[ServiceError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _below(child)


ALL = list(_below(ServiceError))
ANSWERED = [k for k in ALL if not issubclass(k, StartupError) and not k.__subclasses__()]


def test_every_error_is_drawn_in_the_tree() -> None:
    assert errors.__doc__ is not None
    drawn = {line.split()[-1] for line in errors.__doc__.splitlines() if "── " in line}

    assert drawn == {kind.__name__ for kind in ALL}


@pytest.mark.parametrize("kind", ANSWERED, ids=lambda kind: kind.__name__)
def test_every_error_that_can_meet_a_request_has_a_status(kind: type[ServiceError]) -> None:
    status, name = status_of(kind("what was expected, and what came"))

    assert 400 <= status < 600
    assert name


def test_only_the_first_problems_are_kept() -> None:
    error = errors.InvalidInput("summary", [Problem(str(i)) for i in range(30)])

    assert len(error.problems) == errors.LISTED_PROBLEMS
    assert error.total == 30


def test_summary_is_the_problem_where_no_other_is_named() -> None:
    error = errors.InvalidInput("top_k: expected 1, got 2")

    assert error.problems == (Problem("top_k: expected 1, got 2"),)
    assert error.total == 1
