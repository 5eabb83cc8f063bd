"""The ONNX graph of a trained network: raw row in, probabilities out.

Written node by node with the onnx package (docs/decisions/0004): standardisation, every layer
of the network as it is in its present mode, softmax, and the label.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper
from torch import nn

from service.model_repository.signature import Signature
from training.encoding import Preprocessing
from training.errors import ExportRefused
from training.network import Perceptron
from training.operators import GraphBuilder, add_activation
from training.raw_rows import ML_DOMAIN, add_inputs, add_preprocessing
from training.tables.table import Label

OPSET = 20
ML_OPSET = 4
IR_VERSION = 9

_LABEL_TYPES: dict[type, tuple[type[np.generic], int]] = {
    bool: (np.bool_, TensorProto.BOOL),
    int: (np.int64, TensorProto.INT64),
    str: (np.object_, TensorProto.STRING),
}


def build_graph(
    network: Perceptron,
    preprocessing: Preprocessing,
    labels: Sequence[Label],
    signature: Signature,
) -> onnx.ModelProto:
    """The graph from raw rows to `probabilities`, `label` and `hidden_1`, ..."""
    graph = GraphBuilder()
    add_inputs(graph, signature)
    encoded = add_preprocessing(graph, preprocessing, network, signature)
    logits, hidden = _network(graph, network.layers, encoded)
    graph.node("Softmax", [logits], "probabilities", axis=1)
    graph.node("ArgMax", ["probabilities"], "class_index", axis=1, keepdims=0)
    dtype, kind = _LABEL_TYPES[type(labels[0])]
    graph.constant("labels", labels, dtype)
    graph.node("Gather", ["labels", "class_index"], "label")
    outputs = [
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", len(labels)]),
        helper.make_tensor_value_info("label", kind, ["N"]),
        *(
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", width])
            for name, width in hidden
        ),
    ]
    domains = [helper.make_opsetid("", OPSET)]
    if any(node.domain == ML_DOMAIN for node in graph.nodes):
        domains.append(helper.make_opsetid(ML_DOMAIN, ML_OPSET))
    model = helper.make_model(
        helper.make_graph(graph.nodes, "mlpserve", graph.inputs, outputs, graph.constants),
        producer_name="mlpserve",
        opset_imports=domains,
        ir_version=IR_VERSION,
    )
    onnx.checker.check_model(model, full_check=True)
    return model


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


def _network(
    graph: GraphBuilder, layers: nn.Sequential, current: str
) -> tuple[str, list[tuple[str, int]]]:
    hidden: list[tuple[str, int]] = []
    linears = width = 0
    modules = list(layers)
    for module, following in zip(modules, [*modules[1:], None], strict=True):
        if isinstance(module, nn.Linear):
            linears += 1
            width = module.out_features
            weight, bias = _affine(module, following)
            graph.constant(f"weight_{linears}", weight)
            graph.constant(f"bias_{linears}", bias)
            inputs = [current, f"weight_{linears}", f"bias_{linears}"]
            current = graph.node("Gemm", inputs, f"linear_{linears}", transB=1)
        elif isinstance(module, nn.Dropout):
            if module.training:
                ratio = graph.constant(f"dropout_rate_{linears}", module.p)
                mode = graph.constant(f"training_mode_{linears}", True, np.bool_)
                current = graph.node("Dropout", [current, ratio, mode], f"dropped_{linears}")
        elif not isinstance(module, nn.BatchNorm1d):
            output = f"hidden_{linears}"
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
