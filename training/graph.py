"""The ONNX graph of a trained network: raw row in, probabilities out.

Written node by node with the onnx package (docs/decisions/0004): standardisation, every layer
of the network as it is in its present mode, softmax, and the label.
"""

from collections.abc import Callable, Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from training.errors import ExportRefused
from training.preprocess import CLIP, Standardisation

OPSET = 20
IR_VERSION = 9


class _Graph:
    """Nodes and constants in the order in which they are added."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, value: object, dtype: object = np.float32) -> str:
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype=dtype), name))
        return name

    def node(self, operator: str, inputs: Sequence[str], output: str, **attributes: object) -> str:
        self.nodes.append(
            helper.make_node(operator, inputs, [output], name=f"make_{output}", **attributes)
        )
        return output


def build_graph(
    network: nn.Sequential, standardisation: Standardisation, labels: Sequence[int | str]
) -> onnx.ModelProto:
    """The graph from `features` [N, F] to `probabilities`, `label` and `hidden_1`, ..."""
    graph = _Graph()
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


def _standardised(graph: _Graph, standardisation: Standardisation) -> str:
    graph.constant("mean", standardisation.mean)
    graph.constant("inverse_scale", standardisation.inverse_scale)
    graph.constant("lowest", -CLIP)
    graph.constant("highest", CLIP)
    graph.node("Sub", ["features", "mean"], "centred")
    graph.node("Mul", ["centred", "inverse_scale"], "scaled")
    return graph.node("Clip", ["scaled", "lowest", "highest"], "standardised")


def _network(
    graph: _Graph, network: nn.Sequential, current: str
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
            current = _activation(graph, module, current, output)
            hidden.append((output, width))
    return current, hidden


def _activation(graph: _Graph, module: nn.Module, x: str, output: str) -> str:
    kind = type(module)
    if kind in _ONE_NODE:
        operator, attributes = _ONE_NODE[kind]
        return graph.node(operator, [x], output, **attributes(module))
    return _SEVERAL_NODES[kind](graph, module, x, output)


_Attributes = Callable[[nn.Module], dict[str, object]]

# Activation functions that are one ONNX operator, and its attributes.
_ONE_NODE: dict[type[nn.Module], tuple[str, _Attributes]] = {
    nn.ReLU: ("Relu", lambda m: {}),
    nn.LeakyReLU: ("LeakyRelu", lambda m: {"alpha": m.negative_slope}),
    nn.ELU: ("Elu", lambda m: {"alpha": m.alpha}),
    nn.CELU: ("Celu", lambda m: {"alpha": m.alpha}),
    nn.SELU: (
        "Selu",
        lambda m: {"alpha": 1.6732632423543772848, "gamma": 1.0507009873554804935},
    ),
    nn.GELU: ("Gelu", lambda m: {"approximate": m.approximate}),
    nn.Mish: ("Mish", lambda m: {}),
    nn.Sigmoid: ("Sigmoid", lambda m: {}),
    nn.Hardsigmoid: ("HardSigmoid", lambda m: {"alpha": 1 / 6, "beta": 0.5}),
    nn.Hardswish: ("HardSwish", lambda m: {}),
    nn.Tanh: ("Tanh", lambda m: {}),
    nn.Softplus: ("Softplus", lambda m: {}),
    nn.Softsign: ("Softsign", lambda m: {}),
    nn.Softshrink: ("Shrink", lambda m: {"lambd": m.lambd, "bias": m.lambd}),
    nn.Hardshrink: ("Shrink", lambda m: {"lambd": m.lambd, "bias": 0.0}),
}


def _clip(graph: _Graph, module: nn.Module, x: str, output: str) -> str:
    low = graph.constant(f"{output}_min", module.min_val)
    high = graph.constant(f"{output}_max", module.max_val)
    return graph.node("Clip", [x, low, high], output)


def _prelu(graph: _Graph, module: nn.Module, x: str, output: str) -> str:
    slope = graph.constant(f"{output}_slope", module.get_parameter("weight").detach().numpy())
    return graph.node("PRelu", [x, slope], output)


def _silu(graph: _Graph, _module: nn.Module, x: str, output: str) -> str:
    gate = graph.node("Sigmoid", [x], f"{output}_gate")
    return graph.node("Mul", [x, gate], output)


def _log_sigmoid(graph: _Graph, _module: nn.Module, x: str, output: str) -> str:
    negated = graph.node("Neg", [x], f"{output}_negated")
    softplus = graph.node("Softplus", [negated], f"{output}_softplus")
    return graph.node("Neg", [softplus], output)


def _tanhshrink(graph: _Graph, _module: nn.Module, x: str, output: str) -> str:
    squashed = graph.node("Tanh", [x], f"{output}_tanh")
    return graph.node("Sub", [x, squashed], output)


# Activation functions that take several ONNX operators, or constants.
_SEVERAL_NODES: dict[type[nn.Module], Callable[[_Graph, nn.Module, str, str], str]] = {
    nn.ReLU6: _clip,
    nn.Hardtanh: _clip,
    nn.PReLU: _prelu,
    nn.SiLU: _silu,
    nn.LogSigmoid: _log_sigmoid,
    nn.Tanhshrink: _tanhshrink,
}
