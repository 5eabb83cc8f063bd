"""The ONNX graph of a trained model: raw row in, probabilities out.

Written node by node with the onnx package (docs/decisions/0004): preprocessing, every layer of
each network as it is in its present mode, softmax, and the label.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper
from torch import nn

from training.errors import ExportRefused
from training.masked_graph import add_uncertainty
from training.operators import GraphBuilder, add_activation
from training.raw_rows import ML_DOMAIN, Encoded, add_inputs, add_preprocessing, join
from training.tables.table import Label
from training.trained import TrainedModel

OPSET = 20
ML_OPSET = 4
IR_VERSION = 9

_LABEL_TYPES: dict[type, tuple[type[np.generic], int]] = {
    bool: (np.bool_, TensorProto.BOOL),
    int: (np.int64, TensorProto.INT64),
    str: (np.object_, TensorProto.STRING),
}


def build_graph(model: TrainedModel) -> onnx.ModelProto:
    """The graph from raw rows to `probabilities`, `label` and `hidden_1`, ...

    An ensemble's probabilities are the mean of its members', its hidden units lie side by side.
    """
    graph = GraphBuilder()
    add_inputs(graph, model.signature)
    encoded = add_preprocessing(graph, model.preprocessing, model.signature)
    hidden = _members(graph, model, encoded)
    graph.node("ArgMax", ["probabilities"], "class_index", axis=1, keepdims=0)
    kind = _labels(graph, model.labels)
    outputs = [_floats("probabilities", "N", len(model.labels))]
    outputs.append(helper.make_tensor_value_info("label", kind, ["N"]))
    outputs += [_floats(name, "N", width) for name, width in hidden]
    if model.masks is not None:
        add_uncertainty(graph, model.networks, model.masks)
        outputs.append(_floats("mask_probabilities", "N", len(model.labels)))
        outputs += [_floats("mask_entropy", "N"), _floats("mask_mutual_information", "N")]
    domains = [helper.make_opsetid("", OPSET)]
    if any(node.domain == ML_DOMAIN for node in graph.nodes):
        domains.append(helper.make_opsetid(ML_DOMAIN, ML_OPSET))
    built = helper.make_model(
        helper.make_graph(graph.nodes, "mlpserve", graph.inputs, outputs, graph.constants),
        producer_name="mlpserve",
        opset_imports=domains,
        ir_version=IR_VERSION,
    )
    onnx.checker.check_model(built, full_check=True)
    return built


def require_evaluation_mode(model: onnx.ModelProto) -> None:
    """Raise ExportRefused if any node of the graph acts as in training.

    Checked on the graph and not on its answers, because ONNX Runtime removes a Dropout node,
    an active one too, at its usual optimisation levels.
    """
    for node in model.graph.node:
        trains = any(a.name == "training_mode" and a.i for a in node.attribute)
        if node.op_type == "Dropout" or trains:
            raise ExportRefused(
                f"the graph holds the training-mode node {node.name} ({node.op_type}): "
                "call network.eval() before the export"
            )


def _floats(name: str, *shape: str | int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))


def _labels(graph: GraphBuilder, labels: Sequence[Label]) -> int:
    dtype, kind = _LABEL_TYPES[type(labels[0])]
    graph.constant("labels", labels, dtype)
    graph.node("Gather", ["labels", "class_index"], "label")
    return kind


def _members(graph: GraphBuilder, model: TrainedModel, encoded: Encoded) -> list[tuple[str, int]]:
    """Add every network and what they say together; names and widths of the hidden outputs."""
    networks = model.networks
    if len(networks) == 1:
        x = join(graph, encoded, networks[0], "")
        logits, hidden = _network(graph, networks[0].layers, x, "")
        graph.node("Softmax", [logits], "probabilities", axis=1)
        return hidden
    answers, layers = [], []
    for number, network in enumerate(networks, start=1):
        member = f"member_{number}_"
        logits, hidden = _network(
            graph, network.layers, join(graph, encoded, network, member), member
        )
        answers.append(graph.node("Softmax", [logits], f"{member}probabilities", axis=1))
        layers.append(hidden)
    graph.node("Mean", answers, "probabilities")
    together = []
    for number, same in enumerate(zip(*layers, strict=True), start=1):
        name = graph.node("Concat", [name for name, _ in same], f"hidden_{number}", axis=1)
        together.append((name, sum(width for _, width in same)))
    return together


def _network(
    graph: GraphBuilder, layers: nn.Sequential, current: str, member: str
) -> tuple[str, list[tuple[str, int]]]:
    hidden: list[tuple[str, int]] = []
    linears = width = 0
    modules = list(layers)
    for module, following in zip(modules, [*modules[1:], None], strict=True):
        if isinstance(module, nn.Linear):
            linears += 1
            width = module.out_features
            weight, bias = _affine(module, following)
            inputs = [
                current,
                graph.constant(f"{member}weight_{linears}", weight),
                graph.constant(f"{member}bias_{linears}", bias),
            ]
            current = graph.node("Gemm", inputs, f"{member}linear_{linears}", transB=1)
        elif isinstance(module, nn.Dropout):
            if module.training:
                ratio = graph.constant(f"{member}dropout_rate_{linears}", module.p)
                mode = graph.constant(f"{member}training_mode_{linears}", True, np.bool_)
                dropped = f"{member}dropped_{linears}"
                current = graph.node("Dropout", [current, ratio, mode], dropped)
        elif not isinstance(module, nn.BatchNorm1d):
            output = f"{member}hidden_{linears}"
            current = add_activation(graph, module, current, output)
            hidden.append((output, width))
    return current, hidden


def _affine(
    linear: nn.Linear, following: nn.Module | None
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Weight and bias, with the batch normalisation that follows, if any, multiplied in."""
    weight, bias = linear.weight.detach().numpy(), linear.bias.detach().numpy()
    if not isinstance(following, nn.BatchNorm1d):
        return weight, bias
    if following.training:
        raise ExportRefused(
            "batch normalisation is in training mode: call network.eval() before the export"
        )
    assert following.running_mean is not None
    assert following.running_var is not None
    mean = following.running_mean.numpy().astype(np.float64)
    deviation = np.sqrt(following.running_var.numpy().astype(np.float64) + following.eps)
    scale = following.weight.detach().numpy() / deviation
    shifted = (bias - mean) * scale + following.bias.detach().numpy()
    return (weight * scale[:, None]).astype(np.float32), shifted.astype(np.float32)
