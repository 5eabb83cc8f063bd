"""The ONNX graph of a trained network: raw row in, probabilities out.

Written node by node with the onnx package (docs/decisions/0004): standardisation, every layer
of the network as it is in its present mode, softmax, and the label.
"""

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper
from torch import nn

from training.errors import ExportRefused
from training.operators import GraphBuilder, add_activation
from training.preprocess import CLIP, Standardisation

OPSET = 20
IR_VERSION = 9


def build_graph(
    network: nn.Sequential, standardisation: Standardisation, labels: Sequence[int | str]
) -> onnx.ModelProto:
    """The graph from `features` [N, F] to `probabilities`, `label` and `hidden_1`, ..."""
    graph = GraphBuilder()
    logits, hidden = _network(graph, network, _standardised(graph, standardisation))
    graph.node("Softmax", [logits], "probabilities", axis=1)
    graph.node("ArgMax", ["probabilities"], "class_index", axis=1, keepdims=0)
    texts = isinstance(labels[0], str)
    graph.constant("labels", labels, np.str_ if texts else np.int64)
    graph.node("Gather", ["labels", "class_index"], "label")
    outputs = [
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", len(labels)]),
        helper.make_tensor_value_info(
            "label", TensorProto.STRING if texts else TensorProto.INT64, ["N"]
        ),
        *(
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", width])
            for name, width in hidden
        ),
    ]
    n_features = len(standardisation.mean)
    features = helper.make_tensor_value_info("features", TensorProto.FLOAT, ["N", n_features])
    model = helper.make_model(
        helper.make_graph(graph.nodes, "mlpserve", [features], outputs, graph.constants),
        producer_name="mlpserve",
        opset_imports=[helper.make_opsetid("", OPSET)],
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


def _standardised(graph: GraphBuilder, standardisation: Standardisation) -> str:
    graph.constant("mean", standardisation.mean)
    graph.constant("inverse_scale", standardisation.inverse_scale)
    graph.constant("lowest", -CLIP)
    graph.constant("highest", CLIP)
    graph.node("Sub", ["features", "mean"], "centred")
    graph.node("Mul", ["centred", "inverse_scale"], "scaled")
    return graph.node("Clip", ["scaled", "lowest", "highest"], "standardised")


def _network(
    graph: GraphBuilder, network: nn.Sequential, current: str
) -> tuple[str, list[tuple[str, int]]]:
    hidden: list[tuple[str, int]] = []
    linears = 0
    width = 0
    for module in network:
        if isinstance(module, nn.Linear):
            linears += 1
            width = module.out_features
            weight = graph.constant(f"weight_{linears}", module.weight.detach().numpy())
            bias = graph.constant(f"bias_{linears}", module.bias.detach().numpy())
            current = graph.node("Gemm", [current, weight, bias], f"linear_{linears}", transB=1)
        elif isinstance(module, nn.Dropout):
            if module.training:
                ratio = graph.constant(f"dropout_rate_{linears}", module.p)
                mode = graph.constant(f"training_mode_{linears}", True, np.bool_)
                current = graph.node("Dropout", [current, ratio, mode], f"dropped_{linears}")
        else:
            output = f"hidden_{linears}"
            current = add_activation(graph, module, current, output)
            hidden.append((output, width))
    return current, hidden
