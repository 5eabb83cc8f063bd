"""Preprocessing: what is learned from training rows, and what becomes of any row."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stnp

from service.inference.features import Features, numbers_only
from training.encoding import CLIP
from training.errors import TableInvalid
from training.inputs import Column
from training.preprocess import Learned, learn

FLOAT32_MAX = float(np.finfo(np.float32).max)
TABLES = stnp.arrays(
    np.float32,
    st.tuples(st.integers(2, 30), st.integers(1, 4)),
    elements=st.floats(-1e6, 1e6, width=32) | st.just(float("nan")),
)


def _numbers(numeric: Any, **how: Any) -> Learned:
    columns = [Column(f"x{i}", "number") for i in range(numeric.shape[1])]
    return learn(numbers_only(numeric), columns, **{"scaling": "robust", "bins": 0, **how})


def _texts(*columns: list[str]) -> Learned:
    cells = np.array(columns, dtype=object).T
    names = [Column(f"t{i}", "category") for i in range(cells.shape[1])]
    features = Features(np.empty((len(cells), 0), dtype=np.float32), cells)
    return learn(features, names, scaling="robust", bins=0)


def _encoded(learned: Learned, features: Features) -> np.ndarray:
    return np.asarray(learned.preprocessing.encode(features).encoded.numpy())


@given(numeric=TABLES, value=st.floats(-FLOAT32_MAX, FLOAT32_MAX, width=32) | st.just(np.nan))
@pytest.mark.parametrize(
    "how", [{"scaling": "robust"}, {"scaling": "standard"}, {"bins": 3}], ids=str
)
def test_any_row_is_encoded_to_finite_numbers(
    how: dict[str, Any], numeric: np.ndarray, value: float
) -> None:
    try:
        learned = _numbers(numeric, **how)
    except TableInvalid:
        return
    row = np.full((1, numeric.shape[1]), value, dtype=np.float32)

    encoded = [_encoded(learned, numbers_only(rows)) for rows in (numeric, row)]

    assert all(np.isfinite(e).all() and (np.abs(e) <= CLIP).all() for e in encoded)


def test_standard_scaling_has_mean_0_and_deviation_1() -> None:
    numeric = np.random.default_rng(0).normal(50, 7, (500, 3)).astype(np.float32)

    encoded = _encoded(_numbers(numeric, scaling="standard"), numbers_only(numeric))

    np.testing.assert_allclose(encoded.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(encoded.std(axis=0), 1, rtol=1e-5)


def test_robust_scaling_is_median_quartiles_and_smooth_clip() -> None:
    numeric = np.random.default_rng(0).normal(50, 7, (501, 1)).astype(np.float32)
    first, median, third = np.quantile(numeric, (0.25, 0.5, 0.75))

    encoded = _encoded(_numbers(numeric), numbers_only(numeric))

    scaled = (numeric - median) / (third - first)
    np.testing.assert_allclose(encoded, scaled / np.sqrt(1 + (scaled / 3) ** 2), atol=1e-6)


def test_column_with_equal_quartiles_is_scaled_by_its_range() -> None:
    numeric = np.array([[0.0]] * 98 + [[4.0]] * 2, dtype=np.float32)

    encoded = _encoded(_numbers(numeric), numbers_only(numeric))

    assert encoded[0, 0] == 0
    np.testing.assert_allclose(encoded[-1, 0], 2 / np.sqrt(1 + (2 / 3) ** 2), rtol=1e-6)


def test_gap_becomes_the_median_with_an_indicator_where_training_had_gaps() -> None:
    numeric = np.array([[1, 5], [2, 6], [3, np.nan], [9, 7]], dtype=np.float32)
    learned = _numbers(numeric)
    row = np.full((1, 2), np.nan, dtype=np.float32)

    encoded = _encoded(learned, numbers_only(row))

    assert encoded.tolist() == [[0, 0, 1]]
    assert _encoded(learned, numbers_only(numeric))[:, 2].tolist() == [0, 0, 1, 0]
    assert learned.summaries[1].missing == 0.25


def test_bins_go_from_0_to_1_one_after_the_other() -> None:
    numeric = np.arange(101, dtype=np.float32)[:, None]
    learned = _numbers(numeric, bins=4)
    points = np.array([[-7], [0], [12.5], [25], [60], [100], [1e30]], dtype=np.float32)

    encoded = _encoded(learned, numbers_only(points))

    expected = [
        [0.0, 0, 0, 0],
        [0, 0, 0, 0],
        [0.5, 0, 0, 0],
        [1, 0, 0, 0],
        [1, 1, 0.4, 0],
        [1, 1, 1, 1],
        [1, 1, 1, 1],
    ]
    np.testing.assert_allclose(encoded[:, 1:], np.array(expected), atol=1e-6)


def test_constant_empty_and_duplicate_columns_are_dropped_with_a_word() -> None:
    numeric = np.array([[7, 1, 1, np.nan], [7, 2, 2, np.nan], [7, 4, 4, np.nan]], dtype=np.float32)

    learned = _numbers(numeric)

    assert [s.unused for s in learned.summaries] == [
        "it holds 7 in every training row",
        None,
        "it holds what 'x1' holds",
        "it holds no value",
    ]
    assert learned.notes[0] == "column 'x0' is not used: it holds 7 in every training row"
    assert learned.preprocessing.n_encoded == 1


def test_constant_with_gaps_keeps_its_indicator() -> None:
    numeric = np.array([[7], [np.nan], [7]], dtype=np.float32)

    encoded = _encoded(_numbers(numeric), numbers_only(numeric))

    assert encoded.tolist() == [[0, 0], [0, 1], [0, 0]]


def test_table_of_constants_is_refused() -> None:
    with pytest.raises(TableInvalid, match="no column to learn from: x0: it holds 1 in every"):
        _numbers(np.ones((5, 2), dtype=np.float32))


def test_column_that_float32_cannot_resolve_is_told() -> None:
    seconds = 1.7e9 + np.arange(1000) * 3.0

    learned = _numbers(seconds.astype(np.float32)[:, None])

    assert learned.notes[0].startswith("column 'x0' varies by little around 1.7e+09")


def test_few_categories_are_one_hot_with_other_and_missing() -> None:
    cells = ["a"] * 6 + ["b"] * 5 + ["rare"] * 2 + [""] * 3
    learned = _texts(cells)
    rows = np.array([["a"], ["b"], ["rare"], ["never seen"], [""]], dtype=object)

    encoded = _encoded(learned, Features(np.empty((5, 0), dtype=np.float32), rows))

    assert encoded.tolist() == [
        [1, 0, 0, 0],
        [0, 1, 0, 0],
        [0, 0, 1, 0],
        [0, 0, 1, 0],
        [0, 0, 0, 1],
    ]
    assert learned.summaries[0].categories == ("a", "b")
    assert learned.summaries[0].missing == pytest.approx(3 / 16, abs=1e-6)


def test_categories_may_be_respelled_where_no_two_training_cells_are_one_boolean_or_number() -> (
    None
):
    learned = _texts(
        ["true"] * 6 + ["false"] * 6,
        ["True"] * 6 + ["false"] * 5 + ["true"],
        ["a"] * 6 + ["b"] * 6,
        ["1"] * 6 + ["1.0"] * 6,
        ["7"] * 6 + ["x"] * 6,
    )

    assert [s.respelled for s in learned.summaries] == [True, False, False, False, True]


def test_what_no_training_row_shows_is_none_of_all() -> None:
    learned = _texts(["a"] * 6 + ["b"] * 6)
    rows = np.array([["never seen"], [""]], dtype=object)

    encoded = _encoded(learned, Features(np.empty((2, 0), dtype=np.float32), rows))

    assert encoded.tolist() == [[0, 0], [0, 0]]


def test_many_categories_get_learned_embeddings() -> None:
    learned = _texts([f"town {i % 12}" for i in range(120)])
    rows = np.array([["town 0"], ["town 11"], ["never seen"]], dtype=object)

    inputs = learned.preprocessing.encode(Features(np.empty((3, 0), dtype=np.float32), rows))

    assert learned.preprocessing.embeddings == ((13, 8),)
    assert inputs.encoded.shape == (3, 0)
    # "town 11" is the fourth in the order of text; the last code is none of all.
    assert torch.equal(inputs.codes, torch.tensor([[0], [3], [12]]))


def test_column_of_ten_thousand_distinct_categories_is_not_used() -> None:
    learned = _texts([f"name {i}" for i in range(10_000)], ["a", "b"] * 5_000)

    assert learned.summaries[0].unused == ("text, of which no value is in 5 training rows or more")
    assert learned.preprocessing.n_encoded == 2
