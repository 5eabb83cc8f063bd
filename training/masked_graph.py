"""The ONNX nodes of dropout uncertainty: each network again, under masks that are constants.

Nothing else in the graph depends on these nodes, so a runtime that is asked for the plain
probabilities alone has no use for them.
"""

from collections.abc import Sequence

import numpy as np
from torch import nn

from training.dropout_masks import Floats, Masks
from training.network import Perceptron
from training.operators import GraphBuilder, add_activation

# Below every probability that float32 tells from 0, so that 0 log 0 is 0.
_TINY = 1e-30


def add_uncertainty(graph: GraphBuilder, networks: Sequence[Perceptron], masks: Masks) -> None:
    """From the nodes of the plain networks to the outputs of UncertaintyOutputs."""
    graph.constant("axis_1", [1], np.int64)
    graph.constant("axis_2", [2], np.int64)
    graph.constant("tiny", _TINY)
    members = [
        _probabilities(graph, network, chosen, "" if len(networks) == 1 else f"member_{i}_")
        for i, (network, chosen) in enumerate(zip(networks, masks.values, strict=True), start=1)
    ]
    each = members[0] if len(members) == 1 else graph.node("Concat", members, "masked", axis=1)
    graph.node("ReduceMean", [each, "axis_1"], "mask_probabilities", keepdims=0)
    _entropy(graph, "mask_probabilities", "axis_1", "mask_entropy")
    inner = _entropy(graph, each, "axis_2", "entropy_of_each_mask")
    graph.node("ReduceMean", [inner, "axis_1"], "mean_entropy", keepdims=0)
    graph.node("Sub", ["mask_entropy", "mean_entropy"], "information")
    graph.node("Relu", ["information"], "mask_mutual_information")


def _entropy(graph: GraphBuilder, probabilities: str, axis: str, output: str) -> str:
    graph.node("Max", [probabilities, "tiny"], f"{output}_positive")
    graph.node("Log", [f"{output}_positive"], f"{output}_log")
    graph.node("Mul", [probabilities, f"{output}_log"], f"{output}_terms")
    graph.node("ReduceSum", [f"{output}_terms", axis], f"{output}_sum", keepdims=0)
    return graph.node("Neg", [f"{output}_sum"], output)


def _probabilities(
    graph: GraphBuilder, network: Perceptron, masks: Sequence[Floats | None], member: str
) -> str:
    """[N, masks, n_classes]; what comes before the first mask is taken from the plain network."""
    modules = list(network.layers)
    left = iter(masks)
    linears, current, is_masked = 0, f"{member}encoded", False
    for module in modules:
        name = f"{member}masked_{linears}"
        if isinstance(module, nn.Dropout):
            mask = next(left)
            if mask is None:
                continue
            if not is_masked:
                current = graph.node("Unsqueeze", [current, "axis_1"], f"{name}_from")
            constant = graph.constant(f"{name}_mask", mask)
            current, is_masked = graph.node("Mul", [current, constant], name), True
        elif isinstance(module, nn.Linear):
            linears += 1
            if is_masked:
                current = _affine(graph, current, linears, member)
            else:
                current = f"{member}linear_{linears}"
        elif not isinstance(module, nn.BatchNorm1d):
            plain = f"{member}hidden_{linears}"
            current = (
                add_activation(graph, module, current, f"{name}_hidden") if is_masked else plain
            )
    if not is_masked:
        current = graph.node("Unsqueeze", [current, "axis_1"], f"{member}masked_logits")
    return graph.node("Softmax", [current], f"{member}masked_probabilities", axis=2)


def _affine(graph: GraphBuilder, x: str, layer: int, member: str) -> str:
    """The plain network's weights on a tensor of three axes, which Gemm does not take."""
    name = f"{member}masked_linear_{layer}"
    weight = f"{member}weight_{layer}"
    transposed = graph.node("Transpose", [weight], f"{name}_weight", perm=[1, 0])
    product = graph.node("MatMul", [x, transposed], f"{name}_product")
    return graph.node("Add", [product, f"{member}bias_{layer}"], name)
