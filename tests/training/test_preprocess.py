"""Standardisation: centred, scaled, and never beyond float32."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stnp

from training.preprocess import CLIP, learn_standardisation

FLOAT32_MAX = float(np.finfo(np.float32).max)
TABLES = stnp.arrays(
    np.float32,
    st.tuples(st.integers(2, 30), st.integers(1, 4)),
    elements=st.floats(-1e6, 1e6, width=32),
)


@given(features=TABLES)
def test_training_rows_are_never_clipped(features: np.ndarray) -> None:
    standardised = learn_standardisation(features).apply(features)

    assert standardised.isfinite().all()
    assert (standardised.abs() < CLIP).all()


@given(features=TABLES, value=st.floats(-FLOAT32_MAX, FLOAT32_MAX, width=32))
def test_any_finite_row_is_standardised_to_a_finite_one(features: np.ndarray, value: float) -> None:
    standardisation = learn_standardisation(features)

    row = np.full((1, features.shape[1]), value, dtype=np.float32)

    assert standardisation.apply(row).isfinite().all()


def test_columns_come_out_with_mean_0_and_deviation_1() -> None:
    features = np.random.default_rng(0).normal(50, 7, (500, 3)).astype(np.float32)

    standardised = learn_standardisation(features).apply(features).numpy()

    np.testing.assert_allclose(standardised.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(standardised.std(axis=0), 1, rtol=1e-5)


def test_constant_column_becomes_0() -> None:
    features = np.full((1000, 1), 0.1, dtype=np.float32)

    standardised = learn_standardisation(features).apply(features)

    assert (standardised == 0).all()
