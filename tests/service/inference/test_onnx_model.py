"""Opening a graph: only one that is what its manifest says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import ArtifactInvalid, SelfTestFailed
from service.inference.features import Features, numbers_only
from service.inference.onnx_model import OnnxModel
from service.model_repository.layout import PublishedVersion
from service.model_repository.signature import Feature


def _rows(seed: int, count: int = 20, *, low: float = 0, high: float = 16) -> Features:
    numbers = np.random.default_rng(seed).uniform(low, high, (count, 64))
    return numbers_only(numbers.astype(np.float32))


@pytest.fixture(scope="module")
def model(digits: PublishedVersion) -> OnnxModel:
    return OnnxModel(digits.artifact, digits.manifest.signature)


@pytest.mark.parametrize("keep", [0, 10, 1000, -1], ids=str)
def test_truncated_artifact_is_refused(keep: int, digits: PublishedVersion) -> None:
    with pytest.raises(ArtifactInvalid):
        OnnxModel(digits.artifact[:keep], digits.manifest.signature)


def test_foreign_bytes_are_refused(digits: PublishedVersion) -> None:
    with pytest.raises(ArtifactInvalid, match="is not a model that ONNX Runtime opens"):
        OnnxModel(b"PK\x03\x04 not a model", digits.manifest.signature)


def test_graph_with_another_number_of_features_is_refused(digits: PublishedVersion) -> None:
    signature = digits.manifest.signature
    wider = signature.model_copy(update={"features": (*signature.features, Feature(name="new"))})

    with pytest.raises(ArtifactInvalid, match=r"expected an input of float32 \[N, 65\]"):
        OnnxModel(digits.artifact, wider)


def test_graph_without_a_named_output_is_refused(digits: PublishedVersion) -> None:
    deeper = digits.manifest.signature.model_copy(update={"hidden": ("hidden_1", "hidden_2")})

    with pytest.raises(ArtifactInvalid, match="expected a graph from features to hidden_1, hidden"):
        OnnxModel(digits.artifact, deeper)


def test_graph_of_numbers_is_not_one_of_numbers_and_text(digits: PublishedVersion) -> None:
    signature = digits.manifest.signature
    text = signature.features[0].model_copy(update={"dtype": "string"})
    mixed = signature.model_copy(update={"features": (text, *signature.features[1:])})

    with pytest.raises(ArtifactInvalid, match="expected a graph from numeric, categorical to"):
        OnnxModel(digits.artifact, mixed)


@pytest.mark.parametrize("name", ["digits", "penguins"])
def test_self_test_passes_on_the_published_golden_rows(
    name: str, request: pytest.FixtureRequest
) -> None:
    version: PublishedVersion = request.getfixturevalue(name)

    OnnxModel(version.artifact, version.manifest.signature).self_test(version.manifest.golden)


def test_self_test_fails_when_one_probability_is_off(
    model: OnnxModel, digits: PublishedVersion
) -> None:
    golden = digits.manifest.golden
    first, *others = golden.probabilities
    changed = golden.model_copy(
        update={"probabilities": ((abs(first[0] - 1e-4), *first[1:]), *others)}
    )

    with pytest.raises(SelfTestFailed, match="1 of 16 golden rows came out differently"):
        model.self_test(changed)


@given(rows=st.integers(1, 40), seed=st.integers(0, 100))
def test_answer_for_a_row_does_not_depend_on_its_batch(
    rows: int, seed: int, model: OnnxModel
) -> None:
    features = _rows(seed, rows)

    together = model.probabilities(features)

    alone = np.concatenate([model.probabilities(features[i : i + 1]) for i in range(rows)])
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_two_runs_are_identical(model: OnnxModel) -> None:
    features = _rows(0)

    assert np.array_equal(model.probabilities(features), model.probabilities(features))


def test_probabilities_are_distributions(model: OnnxModel) -> None:
    probabilities = model.probabilities(_rows(0, low=-1e30, high=1e30))

    assert (probabilities >= 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
