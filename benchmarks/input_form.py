"""Compare the tensors that a mixed table's graph could take, and the nodes that encode its text.

Times one ONNX Runtime run, at 1 and 64 rows, of the same one-hot encoder and 64-unit network:
one input a column; two inputs with `Equal` against every category; two inputs with a
`LabelEncoder` (domain ai.onnx.ml) and a `Gather` a column.

    make bench-input-form            half a minute
"""

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

N_NUMERIC, N_TEXT, UNITS, CLASSES = 10, 10, 64, 2
ROUNDS, RUNS = 15, 200

Feed = dict[str, np.ndarray]


class _Graph:
    """Nodes, constants and inputs of one variant."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.inputs: list[onnx.ValueInfoProto] = []

    def constant(self, name: str, value: np.ndarray) -> str:
        self.constants.append(numpy_helper.from_array(value, name))
        return name

    def node(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def input(self, name: str, kind: int, width: int) -> str:
        self.inputs.append(helper.make_tensor_value_info(name, kind, ["N", width]))
        return name

    def finish(self, encoded: str, width: int) -> ort.InferenceSession:
        generator = np.random.default_rng(0)

        def weight(rows: int, columns: int) -> np.ndarray:
            return generator.standard_normal((rows, columns)).astype(np.float32) / 10

        first = self.constant("w1", weight(width, UNITS))
        second = self.constant("w2", weight(UNITS, CLASSES))
        hidden = self.node("Relu", [self.node("MatMul", [encoded, first], "z1")], "h1")
        self.node("Softmax", [self.node("MatMul", [hidden, second], "z2")], "probabilities")
        answer = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", CLASSES])
        model = helper.make_model(
            helper.make_graph(self.nodes, "variant", self.inputs, [answer], self.constants),
            opset_imports=[helper.make_opsetid("", 20), helper.make_opsetid("ai.onnx.ml", 4)],
            ir_version=9,
        )
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        return ort.InferenceSession(model.SerializeToString(), options)


def _categories(count: int) -> list[np.ndarray]:
    return [
        np.array([f"value {j} of {i}" for j in range(count)], dtype=np.str_) for i in range(N_TEXT)
    ]


def _scaled(graph: _Graph, numeric: str, width: int, tag: str = "") -> str:
    median = graph.constant("median" + tag, np.zeros(width, np.float32))
    gaps = graph.node("IsNaN", [numeric], "gaps" + tag)
    return graph.node("Where", [gaps, median, numeric], "filled" + tag)


def one_input_per_column(count: int) -> ort.InferenceSession:
    graph = _Graph()
    parts = [
        _scaled(graph, graph.input(f"n{i}", TensorProto.FLOAT, 1), 1, str(i))
        for i in range(N_NUMERIC)
    ]
    for i, categories in enumerate(_categories(count)):
        column = graph.input(f"c{i}", TensorProto.STRING, 1)
        same = graph.node("Equal", [column, graph.constant(f"k{i}", categories)], f"same{i}")
        parts.append(graph.node("Cast", [same], f"hot{i}", to=TensorProto.FLOAT))
    return graph.finish(graph.node("Concat", parts, "x", axis=1), N_NUMERIC + N_TEXT * count)


def two_inputs_equal(count: int) -> ort.InferenceSession:
    graph = _Graph()
    scaled = _scaled(graph, graph.input("numeric", TensorProto.FLOAT, N_NUMERIC), N_NUMERIC)
    text = graph.input("categorical", TensorProto.STRING, N_TEXT)
    place = graph.constant("place", np.repeat(np.arange(N_TEXT), count))
    spread = graph.node("Gather", [text, place], "spread", axis=1)
    same = graph.node(
        "Equal", [spread, graph.constant("k", np.concatenate(_categories(count)))], "same"
    )
    hot = graph.node("Cast", [same], "hot", to=TensorProto.FLOAT)
    return graph.finish(
        graph.node("Concat", [scaled, hot], "x", axis=1), N_NUMERIC + N_TEXT * count
    )


def two_inputs_label_encoder(count: int) -> ort.InferenceSession:
    graph = _Graph()
    parts = [_scaled(graph, graph.input("numeric", TensorProto.FLOAT, N_NUMERIC), N_NUMERIC)]
    text = graph.input("categorical", TensorProto.STRING, N_TEXT)
    table = np.zeros((count + 1, count), np.float32)
    table[:count] = np.eye(count)
    rows = graph.constant("rows", table)
    for i, categories in enumerate(_categories(count)):
        column = graph.node(
            "Gather", [text, graph.constant(f"at{i}", np.array(i))], f"c{i}", axis=1
        )
        code = graph.node(
            "LabelEncoder", [column], f"code{i}", domain="ai.onnx.ml",
            keys_strings=categories.tolist(), values_int64s=list(range(count)), default_int64=count,
        )  # fmt: skip
        parts.append(graph.node("Gather", [rows, code], f"hot{i}", axis=0))
    return graph.finish(graph.node("Concat", parts, "x", axis=1), N_NUMERIC + N_TEXT * count)


def two_inputs_one_label_encoder(count: int) -> ort.InferenceSession:
    """Every cell is prefixed with its column's number, so that one encoder knows them all."""
    graph = _Graph()
    scaled = _scaled(graph, graph.input("numeric", TensorProto.FLOAT, N_NUMERIC), N_NUMERIC)
    text = graph.input("categorical", TensorProto.STRING, N_TEXT)
    prefix = graph.constant("prefix", np.array([f"{i}:" for i in range(N_TEXT)], dtype=np.str_))
    named = graph.node("StringConcat", [prefix, text], "named")
    keys = [f"{i}:{value}" for i, c in enumerate(_categories(count)) for value in c]
    total = N_TEXT * count
    code = graph.node(
        "LabelEncoder", [named], "code", domain="ai.onnx.ml",
        keys_strings=keys, values_int64s=list(range(total)), default_int64=total,
    )  # fmt: skip
    table = np.zeros((total + 1, total), np.float32)
    table[:total] = np.eye(total)
    rows = graph.node("Gather", [graph.constant("rows", table), code], "each", axis=0)
    hot = graph.node("ReduceSum", [rows, graph.constant("one", np.array([1]))], "hot", keepdims=0)
    return graph.finish(graph.node("Concat", [scaled, hot], "x", axis=1), N_NUMERIC + total)


VARIANTS: dict[str, Callable[[int], ort.InferenceSession]] = {
    "one input a column, Equal": one_input_per_column,
    "two inputs, Equal": two_inputs_equal,
    "two inputs, LabelEncoder a column": two_inputs_label_encoder,
    "two inputs, one LabelEncoder": two_inputs_one_label_encoder,
}


def _feed(session: ort.InferenceSession, rows: int, count: int) -> Feed:
    generator = np.random.default_rng(1)
    numeric = generator.standard_normal((rows, N_NUMERIC)).astype(np.float32)
    numeric[generator.random(numeric.shape) < 0.1] = np.nan
    text = np.array(
        [[c[generator.integers(count)] for c in _categories(count)] for _ in range(rows)],
        dtype=object,
    )
    whole: Feed = {"numeric": numeric, "categorical": text}
    whole |= {f"n{i}": numeric[:, i : i + 1].copy() for i in range(N_NUMERIC)}
    whole |= {f"c{i}": text[:, i : i + 1].copy() for i in range(N_TEXT)}
    return {tensor.name: whole[tensor.name] for tensor in session.get_inputs()}


def main() -> None:
    """Print the median time of a run of every variant, all interleaved."""
    for count in (5, 50, 500):
        sessions = {name: build(count) for name, build in VARIANTS.items()}
        for rows in (1, 64):
            feeds = {name: _feed(session, rows, count) for name, session in sessions.items()}
            answers = [sessions[name].run(None, feeds[name])[0] for name in VARIANTS]
            for answer in answers[1:]:
                np.testing.assert_allclose(answer, answers[0], atol=1e-5)
            times: dict[str, list[float]] = {name: [] for name in VARIANTS}
            for _ in range(ROUNDS):
                for name, session in sessions.items():
                    runs = max(3, RUNS // rows // (1 + count // 50))
                    start = time.perf_counter()
                    for _ in range(runs):
                        session.run(None, feeds[name])
                    times[name].append((time.perf_counter() - start) / runs * 1e6)
            for name, samples in times.items():
                median = statistics.median(samples)
                print(f"{count:4d} categories, {rows:2d} rows: {median:8.1f} µs  {name}")


if __name__ == "__main__":
    main()
