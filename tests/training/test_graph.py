"""The exported graph: the same answers as PyTorch, and no trace of training."""

from dataclasses import replace
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from torch import nn

from service.activations.table import TABLE
from service.inference.features import Features, numbers_only
from service.model_repository.signature import Signature
from tests.training.conftest import untrained
from training.dropout_masks import draw_masks
from training.errors import ExportRefused
from training.export import export
from training.graph import build_graph, require_evaluation_mode
from training.tables.table import Label, Table
from training.trained import TrainedModel


def _run(artifact: bytes, output: str, features: Features) -> np.ndarray:
    return _run_with(artifact, output, {"features": features.numeric})


def _run_mixed(
    artifact: bytes, output: str, features: Features, signature: Signature
) -> np.ndarray:
    return _run_with(artifact, output, features.tensors(signature.inputs))


def _run_with(artifact: bytes, output: str, feed: dict[str, np.ndarray]) -> np.ndarray:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(artifact, options)
    return np.asarray(session.run([output], feed)[0])


@pytest.mark.parametrize("activation", list(TABLE))
def test_graph_answers_as_pytorch_does(activation: str, noise_table: Table) -> None:
    model = untrained(noise_table, activation=activation, hidden=(16, 8))

    found = _run(export(model), "probabilities", noise_table.features)

    expected = model.probabilities(noise_table.features)
    assert np.abs(found - expected).max() <= 1e-6
    assert (found.argmax(axis=1) == expected.argmax(axis=1)).all()


def test_hidden_representations_are_the_activations_of_each_layer(noise_table: Table) -> None:
    model = untrained(noise_table, hidden=(16, 8))

    found = _run(export(model), "hidden_2", noise_table.features)

    encoded = model.preprocessing.encode(noise_table.features).encoded
    with torch.no_grad():
        expected = model.networks[0].layers[:5](encoded).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [(("u", "v", "w"), "v"), ((3, 5, 10), 5), ((False, True), True)],
    ids=["text", "integers", "booleans"],
)
def test_graph_names_the_label_in_its_own_type(
    labels: tuple[Label, ...], expected: Label, noise_table: Table
) -> None:
    model = untrained(replace(noise_table, labels=labels))
    nn.init.zeros_(model.networks[0].get_parameter("layers.3.weight"))
    model.networks[0].get_parameter("layers.3.bias").data = torch.eye(len(labels))[1]

    named = _run(export(model), "label", noise_table.features).tolist()

    assert named == [expected] * 100
    assert type(named[0]) is type(expected)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"scaling": "standard"},
        {"bins": 4},
        {"batch_normalisation": True, "input_dropout": 0.2},
    ],
    ids=str,
)
def test_mixed_graph_answers_as_pytorch_and_its_preprocessing_do(
    changed: dict[str, Any], mixed_table: Table
) -> None:
    model = untrained(mixed_table, **changed)
    _randomise_statistics(model)

    found = _run_mixed(export(model), "probabilities", mixed_table.features, model.signature)

    expected = model.probabilities(mixed_table.features)
    assert np.abs(found - expected).max() <= 1e-6


@pytest.mark.parametrize("changed", [{}, {"scaling": "standard"}, {"bins": 4}], ids=str)
def test_graph_that_takes_any_gap_fills_it_as_pytorch_and_its_preprocessing_do(
    changed: dict[str, Any], noise_table: Table
) -> None:
    model = untrained(noise_table, accept_missing="all", **changed)
    numeric = noise_table.features.numeric.copy()
    numeric[np.random.default_rng(0).random(numeric.shape) < 0.5] = np.nan
    numeric[0] = np.nan
    features = numbers_only(numeric)

    found = _run(export(model), "probabilities", features)

    assert np.isfinite(found).all()
    assert np.abs(found - model.probabilities(features)).max() <= 1e-6


def test_mixed_graph_that_takes_any_gap_answers_for_a_row_of_nothing(mixed_table: Table) -> None:
    mixed_table.features.categorical[:, 0][mixed_table.features.categorical[:, 0] == ""] = "red"
    model = untrained(mixed_table, accept_missing="all")
    nothing = Features(np.full((1, 2), np.nan, np.float32), np.full((1, 3), "", dtype=object))

    found = _run_mixed(export(model), "probabilities", nothing, model.signature)

    assert np.abs(found - model.probabilities(nothing)).max() <= 1e-6


def _randomise_statistics(model: TrainedModel) -> None:
    generator = torch.Generator().manual_seed(1)
    for module in model.networks[0].modules():
        if isinstance(module, nn.BatchNorm1d):
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.normal_(generator=generator)
            module.running_var.uniform_(0.5, 2.0, generator=generator)


def test_category_may_hold_any_character(mixed_table: Table) -> None:
    texts = mixed_table.features.categorical.copy()
    texts[:60, 0], texts[60:, 0] = "ends in NUL\0", "é\n\U0001f427"
    table = replace(mixed_table, features=Features(mixed_table.features.numeric, texts))
    model = untrained(table)

    found = _run_mixed(export(model), "probabilities", table.features, model.signature)

    assert np.abs(found - model.probabilities(table.features)).max() <= 1e-6


def test_table_of_text_alone_has_the_one_input_categorical(mixed_table: Table) -> None:
    table = mixed_table.without(["height", "weight"])
    model = untrained(table)

    found = _run_mixed(export(model), "probabilities", table.features, model.signature)

    assert list(model.signature.inputs) == ["categorical"]
    assert np.abs(found - model.probabilities(table.features)).max() <= 1e-6


def test_column_that_is_not_used_stays_a_part_of_the_row(mixed_table: Table) -> None:
    numeric = mixed_table.features.numeric.copy()
    numeric[:, 0] = 3
    texts = mixed_table.features.categorical.copy()
    texts[:] = "same"
    table = replace(mixed_table, features=Features(numeric, texts))
    model = untrained(table)

    found = _run_mixed(export(model), "probabilities", table.features, model.signature)

    assert model.signature.inputs == {"numeric": 2, "categorical": 3}
    assert model.networks[0].layers[0].in_features == 2
    assert np.abs(found - model.probabilities(table.features)).max() <= 1e-6


@pytest.mark.parametrize("rows", [0, 1, 100])
def test_graph_takes_any_number_of_rows(rows: int, noise_table: Table) -> None:
    model = untrained(noise_table)

    found = _run(export(model), "probabilities", noise_table.features[:rows])

    assert found.shape == (rows, 3)


def test_network_in_training_mode_cannot_be_exported(noise_table: Table) -> None:
    model = untrained(noise_table)
    model.networks[0].train()

    with pytest.raises(ExportRefused, match=r"training-mode node .*Dropout.*network.eval"):
        export(model)


def test_mistake_would_go_unseen_without_the_check_on_the_graph(noise_table: Table) -> None:
    model, features = untrained(noise_table), noise_table.features
    evaluated = _graph_of(model)
    model.networks[0].train()
    trained = _graph_of(model)

    hidden_by_runtime = _run(trained.SerializeToString(), "probabilities", features)

    expected = _run(evaluated.SerializeToString(), "probabilities", features)
    assert np.array_equal(hidden_by_runtime, expected)


def _graph_of(model: TrainedModel) -> onnx.ModelProto:
    return build_graph(model)


def test_network_with_batch_normalisation_in_training_mode_cannot_be_exported(
    noise_table: Table,
) -> None:
    model = untrained(noise_table, batch_normalisation=True)
    model.networks[0].train()

    with pytest.raises(ExportRefused, match=r"training mode: call network\.eval"):
        export(model)


def test_batch_normalisation_node_in_training_mode_is_refused() -> None:
    node = onnx.helper.make_node(
        "BatchNormalization", list("abcde"), ["y", "m", "v"], training_mode=1
    )
    model = onnx.helper.make_model(onnx.helper.make_graph([node], "g", [], []))

    with pytest.raises(ExportRefused, match="BatchNormalization"):
        require_evaluation_mode(model)


def test_artifact_is_self_contained_and_names_no_path(noise_table: Table) -> None:
    model = untrained(noise_table)

    artifact = export(model)

    parsed = onnx.load_from_string(artifact)
    assert all(not t.external_data for t in parsed.graph.initializer)
    assert b"/" not in b"".join(
        node.SerializeToString() + node.doc_string.encode() for node in parsed.graph.node
    )


def test_same_network_gives_the_same_bytes(noise_table: Table) -> None:
    assert export(untrained(noise_table)) == export(untrained(noise_table))


def test_row_far_outside_of_the_training_data_has_finite_probabilities(
    noise_table: Table,
) -> None:
    model = untrained(noise_table)
    largest = numbers_only(np.full((1, 5), np.finfo(np.float32).max, dtype=np.float32))

    found = _run(export(model), "probabilities", largest)

    assert np.isfinite(found).all()
    assert found.sum() == pytest.approx(1.0)


@pytest.mark.parametrize(
    "shape",
    [
        {"hidden": (16, 8)},
        {"hidden": (16, 8), "input_dropout": 0.3, "activation": "gelu"},
        {"hidden": (16,), "batch_normalisation": True, "activation": "softshrink"},
    ],
    ids=["relu", "input dropout", "batch normalisation"],
)
@pytest.mark.parametrize("members", [1, 3])
def test_uncertainty_is_what_pytorch_gives_under_the_same_masks(
    mixed_table: Table, shape: dict[str, Any], members: int
) -> None:
    model = _with_masks(mixed_table, members=members, **shape)
    artifact = export(model)

    expected = model.spread(mixed_table.features)

    for name, wanted in (
        ("mask_probabilities", expected.probabilities),
        ("mask_entropy", expected.entropy),
        ("mask_mutual_information", expected.mutual_information),
    ):
        found = _run_mixed(artifact, name, mixed_table.features, model.signature)
        np.testing.assert_allclose(found, wanted, atol=2e-5)
    assert expected.mutual_information.max() > 0.01


def test_masks_leave_the_plain_prediction_as_it_is(mixed_table: Table) -> None:
    model = _with_masks(mixed_table, members=1, hidden=(16, 8))

    found, plain = (
        _run_mixed(export(m), "probabilities", mixed_table.features, model.signature)
        for m in (model, replace(model, masks=None))
    )

    assert np.array_equal(found, plain)


def test_ensemble_averages_probabilities_and_shows_all_hidden_units(mixed_table: Table) -> None:
    models = [untrained(mixed_table, hidden=(16, 8), seed=seed) for seed in (1, 2, 3)]
    ensemble = replace(models[0], networks=tuple(m.networks[0] for m in models))
    artifact, signature = export(ensemble), models[0].signature

    found = _run_mixed(artifact, "probabilities", mixed_table.features, signature)
    hidden = _run_mixed(artifact, "hidden_2", mixed_table.features, signature)

    expected = np.mean([m.probabilities(mixed_table.features) for m in models], axis=0)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    one = _run_mixed(export(models[1]), "hidden_2", mixed_table.features, signature)
    np.testing.assert_allclose(hidden[:, 8:16], one, atol=1e-6)


def _with_masks(table: Table, *, members: int, **shape: Any) -> TrainedModel:
    models = [untrained(table, seed=seed, **shape) for seed in range(members)]
    networks = tuple(model.networks[0] for model in models)
    return replace(models[0], networks=networks, masks=draw_masks(networks, 7, seed=1))
