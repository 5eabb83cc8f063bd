"""The ONNX operators that PyTorch's activation modules are."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper
from torch import nn


class GraphBuilder:
    """Inputs, nodes and constants in the order in which they are added."""

    def __init__(self) -> None:
        self.inputs: list[onnx.ValueInfoProto] = []
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, value: object, dtype: type[np.generic] = np.float32) -> str:
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype=dtype), name))
        return name

    def node(self, operator: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        self.nodes.append(
            helper.make_node(operator, inputs, [output], name=f"make_{output}", **attributes)
        )
        return output


def add_activation(graph: GraphBuilder, module: nn.Module, x: str, output: str) -> str:
    """Add an activation function from the tensor `x` to the tensor `output`."""
    kind = type(module)
    if kind in _ONE_NODE:
        operator, attributes = _ONE_NODE[kind]
        return graph.node(operator, [x], output, **attributes(module))
    return _SEVERAL_NODES[kind](graph, module, x, output)


def _none(_module: nn.Module) -> dict[str, Any]:
    return {}


_Attributes = Callable[[nn.Module], dict[str, Any]]

# Activation functions that are one ONNX operator, and its attributes.
_ONE_NODE: dict[type[nn.Module], tuple[str, _Attributes]] = {
    nn.ReLU: ("Relu", _none),
    nn.LeakyReLU: ("LeakyRelu", lambda m: {"alpha": m.negative_slope}),
    nn.ELU: ("Elu", lambda m: {"alpha": m.alpha}),
    nn.CELU: ("Celu", lambda m: {"alpha": m.alpha}),
    nn.SELU: (
        "Selu",
        lambda _: {"alpha": 1.6732632423543772848, "gamma": 1.0507009873554804935},
    ),
    nn.GELU: ("Gelu", lambda m: {"approximate": m.approximate}),
    nn.Mish: ("Mish", _none),
    nn.Sigmoid: ("Sigmoid", _none),
    nn.Hardsigmoid: ("HardSigmoid", lambda _: {"alpha": 1 / 6, "beta": 0.5}),
    nn.Hardswish: ("HardSwish", _none),
    nn.Tanh: ("Tanh", _none),
    nn.Softplus: ("Softplus", _none),
    nn.Softsign: ("Softsign", _none),
    nn.Softshrink: ("Shrink", lambda m: {"lambd": m.lambd, "bias": m.lambd}),
    nn.Hardshrink: ("Shrink", lambda m: {"lambd": m.lambd, "bias": 0.0}),
}


def _clip(graph: GraphBuilder, module: nn.Module, x: str, output: str) -> str:
    low = graph.constant(f"{output}_min", module.min_val)
    high = graph.constant(f"{output}_max", module.max_val)
    return graph.node("Clip", [x, low, high], output)


def _prelu(graph: GraphBuilder, module: nn.Module, x: str, output: str) -> str:
    slope = graph.constant(f"{output}_slope", module.get_parameter("weight").detach().numpy())
    return graph.node("PRelu", [x, slope], output)


def _silu(graph: GraphBuilder, _module: nn.Module, x: str, output: str) -> str:
    gate = graph.node("Sigmoid", [x], f"{output}_gate")
    return graph.node("Mul", [x, gate], output)


def _log_sigmoid(graph: GraphBuilder, _module: nn.Module, x: str, output: str) -> str:
    negated = graph.node("Neg", [x], f"{output}_negated")
    softplus = graph.node("Softplus", [negated], f"{output}_softplus")
    return graph.node("Neg", [softplus], output)


def _tanhshrink(graph: GraphBuilder, _module: nn.Module, x: str, output: str) -> str:
    squashed = graph.node("Tanh", [x], f"{output}_tanh")
    return graph.node("Sub", [x, squashed], output)


# Activation functions that take several ONNX operators, or constants.
_SEVERAL_NODES: dict[type[nn.Module], Callable[[GraphBuilder, nn.Module, str, str], str]] = {
    nn.ReLU6: _clip,
    nn.Hardtanh: _clip,
    nn.PReLU: _prelu,
    nn.SiLU: _silu,
    nn.LogSigmoid: _log_sigmoid,
    nn.Tanhshrink: _tanhshrink,
}
