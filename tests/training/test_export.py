"""The proofs that go with an artifact: parity and golden rows."""

import hashlib

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import numpy_helper

from service.errors import SelfTestFailed
from service.inference.onnx_model import OnnxModel
from service.model_repository.layout import ARTIFACT, read_version
from tests.training.conftest import untrained
from training.errors import ExportRefused
from training.export import check_parity, describe_artifact, export, make_golden
from training.finish import Run
from training.tables.table import Table


def test_parity_of_a_faithful_export_is_recorded(noise_table: Table) -> None:
    model = untrained(noise_table)
    opened = OnnxModel(export(model), model.signature)

    parity = check_parity(model, opened, noise_table.features)

    assert parity.rows == 100
    assert parity.largest_difference <= 1e-6
    assert parity.labels_different == 0


def test_artifact_that_answers_differently_is_refused_with_the_difference(
    noise_table: Table,
) -> None:
    model = untrained(noise_table)
    opened = OnnxModel(export(model), model.signature)
    with torch.no_grad():
        model.networks[0].get_parameter("layers.0.weight").add_(0.01)

    with pytest.raises(ExportRefused, match=r"probabilities up to 0\.0\d+ apart"):
        check_parity(model, opened, noise_table.features)


def test_description_holds_the_checksum_of_the_bytes() -> None:
    described = describe_artifact(b"abc")

    assert described.sha256 == hashlib.sha256(b"abc").hexdigest()
    assert described.size_bytes == 3


def test_golden_rows_hold_no_row_of_the_table(noise_table: Table) -> None:
    golden = make_golden(untrained(noise_table), seed=0)

    made_up = np.array(golden.rows, dtype=np.float32)
    same = (made_up[:, None, :] == noise_table.features.numeric[None, :, :]).all(axis=2)
    assert not same.any()


def test_golden_rows_of_a_mixed_table_hold_gaps_and_unseen_categories(
    mixed_table: Table,
) -> None:
    model = untrained(mixed_table)

    golden = make_golden(model, seed=0)

    cells = [cell for row in golden.rows for cell in row]
    assert None in cells
    assert "a category that is in no table" in cells
    OnnxModel(export(model), model.signature).self_test(golden)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_one_changed_weight_fails_the_self_test(iris: Run, data: st.DataObject) -> None:
    folder = iris.folder
    version = read_version(folder, root=folder.parent.parent, name="iris", number=int(folder.name))
    signature, golden = version.manifest.signature, version.manifest.golden
    graph = onnx.load(folder / ARTIFACT)
    tensors = [t for t in graph.graph.initializer if t.name.startswith(("weight", "bias"))]
    tensor = data.draw(st.sampled_from(tensors), label="tensor")
    values = numpy_helper.to_array(tensor).copy()
    place = data.draw(st.integers(0, values.size - 1), label="place")
    values.flat[place] += 0.05
    tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))

    changed = OnnxModel(graph.SerializeToString(), signature)

    with pytest.raises(SelfTestFailed, match="of 16 golden rows came out differently"):
        changed.self_test(golden)
