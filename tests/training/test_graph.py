"""The exported graph: the same answers as PyTorch, and no trace of training."""

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from torch import nn

from service.activations.table import TABLE
from training.errors import ExportRefused
from training.export import TrainedModel, export
from training.graph import build_graph, require_evaluation_mode
from training.network import build_network
from training.preprocess import Standardisation, learn_standardisation
from training.table import Table


def _network(activation: str = "relu", hidden: tuple[int, ...] = (16,)) -> nn.Sequential:
    torch.manual_seed(0)
    network = build_network(
        n_features=5,
        hidden=hidden,
        n_classes=3,
        activation=activation,
        dropout=[0.5] * len(hidden),
    )
    network.eval()
    return network


def _standardisation(table: Table) -> Standardisation:
    return learn_standardisation(table.features)


def _run(artifact: bytes, output: str, features: np.ndarray) -> np.ndarray:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(artifact, options)
    return np.asarray(session.run([output], {"features": features})[0])


@pytest.mark.parametrize("activation", list(TABLE))
def test_graph_answers_as_pytorch_does(activation: str, noise_table: Table) -> None:
    model = TrainedModel(
        _network(activation, hidden=(16, 8)), _standardisation(noise_table), noise_table.labels
    )

    found = _run(export(model), "probabilities", noise_table.features)

    expected = model.probabilities(noise_table.features)
    assert np.abs(found - expected).max() <= 1e-6
    assert (found.argmax(axis=1) == expected.argmax(axis=1)).all()


def test_hidden_representations_are_the_activations_of_each_layer(noise_table: Table) -> None:
    network, standardisation = _network(hidden=(16, 8)), _standardisation(noise_table)
    artifact = export(TrainedModel(network, standardisation, noise_table.labels))

    found = _run(artifact, "hidden_2", noise_table.features)

    with torch.no_grad():
        expected = network[:5](standardisation.apply(noise_table.features)).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("labels", "expected"), [(("u", "v", "w"), "v"), ((3, 5, 10), 5)], ids=["text", "integers"]
)
def test_graph_names_the_label_in_its_own_type(
    labels: tuple[int | str, ...], expected: int | str, noise_table: Table
) -> None:
    network = _network()
    nn.init.zeros_(network.get_parameter("3.weight"))
    network.get_parameter("3.bias").data = torch.tensor([0.0, 1.0, 0.0])

    artifact = export(TrainedModel(network, _standardisation(noise_table), labels))

    assert _run(artifact, "label", noise_table.features).tolist() == [expected] * 100


@pytest.mark.parametrize("rows", [0, 1, 100])
def test_graph_takes_any_number_of_rows(rows: int, noise_table: Table) -> None:
    model = TrainedModel(_network(), _standardisation(noise_table), noise_table.labels)

    found = _run(export(model), "probabilities", noise_table.features[:rows])

    assert found.shape == (rows, 3)


def test_network_in_training_mode_cannot_be_exported(noise_table: Table) -> None:
    network = _network().train()
    model = TrainedModel(network, _standardisation(noise_table), noise_table.labels)

    with pytest.raises(ExportRefused, match=r"training-mode node .*Dropout.*network.eval"):
        export(model)


def test_mistake_would_go_unseen_without_the_check_on_the_graph(noise_table: Table) -> None:
    standardisation = _standardisation(noise_table)
    trained = build_graph(_network().train(), standardisation, noise_table.labels)
    evaluated = build_graph(_network(), standardisation, noise_table.labels)
    features = noise_table.features

    hidden_by_runtime = _run(trained.SerializeToString(), "probabilities", features)

    expected = _run(evaluated.SerializeToString(), "probabilities", features)
    assert np.array_equal(hidden_by_runtime, expected)


def test_batch_normalisation_in_training_mode_is_refused() -> None:
    node = onnx.helper.make_node(
        "BatchNormalization", list("abcde"), ["y", "m", "v"], training_mode=1
    )
    model = onnx.helper.make_model(onnx.helper.make_graph([node], "g", [], []))

    with pytest.raises(ExportRefused, match="BatchNormalization"):
        require_evaluation_mode(model)


def test_artifact_is_self_contained_and_names_no_path(noise_table: Table) -> None:
    model = TrainedModel(_network(), _standardisation(noise_table), noise_table.labels)

    artifact = export(model)

    parsed = onnx.load_from_string(artifact)
    assert all(not t.external_data for t in parsed.graph.initializer)
    assert b"/" not in b"".join(
        node.SerializeToString() + node.doc_string.encode() for node in parsed.graph.node
    )


def test_same_network_gives_the_same_bytes(noise_table: Table) -> None:
    first, second = (
        export(TrainedModel(_network(), _standardisation(noise_table), noise_table.labels))
        for _ in range(2)
    )

    assert first == second


def test_row_far_outside_of_the_training_data_has_finite_probabilities(
    noise_table: Table,
) -> None:
    model = TrainedModel(_network(), _standardisation(noise_table), noise_table.labels)
    largest = np.full((1, 5), np.finfo(np.float32).max, dtype=np.float32)

    found = _run(export(model), "probabilities", largest)

    assert np.isfinite(found).all()
    assert found.sum() == pytest.approx(1.0)
