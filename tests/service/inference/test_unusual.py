"""Which cells are unlike those of training rows, how often, and what is said of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.inference.features import Features
from service.inference.unusual import MOST_WARNINGS, Usual
from service.model_repository.signature import Feature, Signature

SIGNATURE = Signature(
    features=(
        Feature(name="town", dtype="string", categories=("Bonn", "Ulm")),
        Feature(name="age", minimum=0.42, maximum=80, missing=0.2),
        Feature(name="flat", minimum=1, maximum=1, unused="it holds 1 in every training row"),
        Feature(name="fare", minimum=0, maximum=512.3292),
        Feature(name="id", dtype="string", categories=(), unused="too many"),
    ),
    accepts_missing=True,
    hidden=("hidden_1",),
)
USUAL = Usual(SIGNATURE)


def _features(*rows: tuple[str, float, float, float, str]) -> Features:
    numeric = np.array([row[1:4] for row in rows], dtype=np.float32).reshape(-1, 3)
    texts = np.array([[row[0], row[4]] for row in rows], dtype=object).reshape(-1, 2)
    return Features(numeric, texts)


def _counted(usual: Usual, features: Features) -> list[tuple[str, str, int]]:
    counts = usual.no_counts()
    usual.count(features, counts)
    return sorted(usual.named(counts))


def test_rows_within_what_training_rows_held_are_usual() -> None:
    rows = _features(("Ulm", 0.42, 1, 512.3292, "x"), ("Bonn", 80, 1, 0, "y"))

    assert _counted(USUAL, rows) == []
    assert [row.total for row in USUAL.warnings(rows)] == [0, 0]


def test_what_is_not_used_is_never_unusual() -> None:
    assert _counted(USUAL, _features(("Ulm", 5, np.nan, 5, ""), ("Ulm", 5, 9, 5, "z"))) == []


def test_cells_are_counted_by_feature_and_kind() -> None:
    rows = _features(
        ("Ulm", 300, 1, -1, ""),
        ("Mars", np.nan, 1, 600, ""),
        ("", 0.4, 1, 1, ""),
        ("", 1, 1, 1, ""),
    )

    assert _counted(USUAL, rows) == [
        ("age", "missing", 1),
        ("age", "out_of_range", 2),
        ("fare", "out_of_range", 2),
        ("town", "missing", 2),
        ("town", "unknown_category", 1),
    ]


def test_warnings_name_feature_and_expectation_in_the_order_of_a_row_and_no_value() -> None:
    found = USUAL.warnings(_features(("Mars", 300, 1, -1, ""), ("", np.nan, 1, 1, "")))

    assert found[0] == (
        [
            {"feature": "town", "message": "none of the categories that the model knows"},
            {"feature": "age", "message": "above the training range 0.42 to 80"},
            {"feature": "fare", "message": "below the training range 0 to 512.3292"},
        ],
        3,
    )
    assert found[1] == (
        [
            {"feature": "town", "message": "missing, as in no training row"},
            {"feature": "age", "message": "missing, as in 20 % of the training rows"},
        ],
        2,
    )


def test_of_many_warnings_the_first_are_listed_and_all_counted() -> None:
    names = tuple(Feature(name=f"x{i}", minimum=0, maximum=1) for i in range(50))
    usual = Usual(Signature(features=names, hidden=("hidden_1",)))
    far = Features(np.full((2, 50), 9, np.float32), np.empty((2, 0), dtype=object))

    for row in usual.warnings(far):
        assert (len(row.listed), row.total) == (MOST_WARNINGS, 50)


@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["Ulm", "Bonn", "", "Mars"]),
            st.floats(width=32, allow_infinity=False) | st.sampled_from([0.5, 80.0]),
            st.just(1.0),
            st.floats(0, 600, width=32),
            st.just(""),
        ),
        max_size=6,
    )
)
def test_counts_and_warnings_agree(
    rows: list[tuple[str, float, float, float, str]],
) -> None:
    features = _features(*rows)

    total = sum(count for _, _, count in _counted(USUAL, features))

    assert total == sum(row.total for row in USUAL.warnings(features))


@pytest.mark.parametrize("rows", [0, 1])
def test_feature_without_a_range_is_never_out_of_it(rows: int) -> None:
    usual = Usual(Signature(features=(Feature(name="a"),), hidden=("hidden_1",)))
    far = Features(np.full((rows, 1), 1e30, np.float32), np.empty((rows, 0), dtype=object))

    assert _counted(usual, far) == []
