"""The ONNX nodes from a raw row to the network's input: encoding.py's steps, one for one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from onnx import TensorProto, helper

from service.model_repository.signature import CATEGORICAL, FEATURES, NUMERIC, Signature
from training.encoding import CLIP, Bins, Numbers, Preprocessing, Text
from training.network import Perceptron
from training.operators import GraphBuilder
from training.raw_dates import add_calendar

ML_DOMAIN = "ai.onnx.ml"


def add_inputs(graph: GraphBuilder, signature: Signature) -> None:
    """Declare the tensors that raw rows come in."""
    for name, width in signature.inputs.items():
        kind = TensorProto.STRING if name == CATEGORICAL else TensorProto.FLOAT
        graph.inputs.append(helper.make_tensor_value_info(name, kind, ["N", width]))


@dataclass(frozen=True)
class Encoded:
    """Names of tensors: encoded columns [N, width] each, and codes [N] of embedded columns."""

    parts: tuple[str, ...]
    codes: tuple[str, ...]


def add_preprocessing(
    graph: GraphBuilder, preprocessing: Preprocessing, signature: Signature
) -> Encoded:
    """From the graph's inputs to what every network takes."""
    parts: list[str] = []
    if len(preprocessing.numbers.places):
        numeric = NUMERIC if signature.texts else FEATURES
        n_columns = len(signature.numbers)
        gaps = signature.accepts_missing
        parts += _numbers(graph, preprocessing.numbers, numeric, n_columns, gaps=gaps)
    if preprocessing.one_hot:
        parts.append(_one_hot(graph, preprocessing.one_hot))
    codes = [
        _codes(graph, text, number) for number, text in enumerate(preprocessing.embedded, start=1)
    ]
    return Encoded(tuple(parts), tuple(codes))


def join(graph: GraphBuilder, encoded: Encoded, network: Perceptron, member: str) -> str:
    """One tensor [N, width] for the first layer of one network, with its own embeddings."""
    parts = list(encoded.parts)
    for number, (code, table) in enumerate(
        zip(encoded.codes, network.embeddings, strict=True), start=1
    ):
        weight = graph.constant(f"{member}embedding_{number}", table.weight.detach().numpy())
        parts.append(graph.node("Gather", [weight, code], f"{member}embedded_{number}"))
    if len(parts) == 1:
        return graph.node("Identity", parts, f"{member}encoded")
    return graph.node("Concat", parts, f"{member}encoded", axis=1)


def _numbers(
    graph: GraphBuilder, numbers: Numbers, x: str, n_columns: int, *, gaps: bool
) -> list[str]:
    if len(numbers.places) < n_columns:
        graph.constant("used", numbers.places, np.int64)
        x = graph.node("Gather", [x, "used"], "used_numbers", axis=1)
    graph.constant("offset", numbers.offset)
    graph.constant("inverse_scale", numbers.inverse_scale)
    indicators: list[str] = []
    if gaps:
        graph.node("IsNaN", [x], "missing")
        x = graph.node("Where", ["missing", "offset", x], "filled")
        if len(numbers.gaps):
            indicators.append(_indicators(graph, numbers))
    graph.node("Sub", [x, "offset"], "centred")
    graph.node("Mul", ["centred", "inverse_scale"], "scaled")
    graph.constant("lowest", -CLIP)
    graph.constant("highest", CLIP)
    scaled = graph.node("Clip", ["scaled", "lowest", "highest"], "clipped")
    if numbers.smooth:
        scaled = _smooth(graph, scaled)
    bins = [] if numbers.bins is None else [_bins(graph, numbers.bins, x)]
    calendar = (
        [] if numbers.calendar is None else [add_calendar(graph, numbers.calendar, x, gaps=gaps)]
    )
    return [scaled, *indicators, *bins, *calendar]


def _indicators(graph: GraphBuilder, numbers: Numbers) -> str:
    missing = "missing"
    if len(numbers.gaps) < len(numbers.places):
        graph.constant("gaps", numbers.gaps, np.int64)
        missing = graph.node("Gather", [missing, "gaps"], "missing_where_expected", axis=1)
    return graph.node("Cast", [missing], "missing_indicators", to=TensorProto.FLOAT)


def _smooth(graph: GraphBuilder, x: str) -> str:
    graph.constant("third", 1 / 3)
    graph.constant("one", 1.0)
    graph.node("Mul", [x, "third"], "third_of_it")
    graph.node("Mul", ["third_of_it", "third_of_it"], "squared")
    graph.node("Add", ["squared", "one"], "one_more")
    graph.node("Sqrt", ["one_more"], "root")
    return graph.node("Div", [x, "root"], "smoothly_clipped")


def _bins(graph: GraphBuilder, bins: Bins, filled: str) -> str:
    graph.constant("bin_places", bins.places, np.int64)
    graph.constant("bin_lower", bins.lower)
    graph.constant("bin_inverse_width", bins.inverse_width)
    graph.constant("bin_lowest", 0.0)
    graph.constant("bin_highest", 1.0)
    graph.node("Gather", [filled, "bin_places"], "each_bin", axis=1)
    graph.node("Sub", ["each_bin", "bin_lower"], "above_bin")
    graph.node("Mul", ["above_bin", "bin_inverse_width"], "in_bins")
    return graph.node("Clip", ["in_bins", "bin_lowest", "bin_highest"], "binned")


def _one_hot(graph: GraphBuilder, texts: Sequence[Text]) -> str:
    """Equal to each listed category; a column's "other" is 1 minus the sum of its rest."""
    listed = [_listed(text) for text in texts]
    places = np.repeat([text.place for text in texts], list(map(len, listed)))
    graph.constant("category_places", places, np.int64)
    graph.constant("categories", [c for column in listed for c in column], np.object_)
    graph.node("Gather", [CATEGORICAL, "category_places"], "each_category", axis=1)
    graph.node("Equal", ["each_category", "categories"], "is_category")
    graph.node("Cast", ["is_category"], "known_categories", to=TensorProto.FLOAT)
    if all(text.other is None for text in texts):
        return "known_categories"
    matrix, bias = _with_others(texts, listed)
    graph.constant("to_codes", matrix)
    graph.constant("is_other", bias)
    return graph.node("Gemm", ["known_categories", "to_codes", "is_other"], "one_hot")


def _listed(text: Text) -> list[str]:
    return [*text.categories, *([] if text.missing is None else [""])]


def _with_others(
    texts: Sequence[Text], listed: Sequence[Sequence[str]]
) -> tuple[np.ndarray, np.ndarray]:
    """The affine map from "is this category" to every column's codes in order."""
    width = sum(text.n_codes for text in texts)
    matrix = np.zeros((sum(map(len, listed)), width), dtype=np.float32)
    bias = np.zeros(width, dtype=np.float32)
    row = start = 0
    for text, categories in zip(texts, listed, strict=True):
        for place in range(len(categories)):
            is_missing = place == len(text.categories)
            code = text.missing if is_missing else place
            assert code is not None
            matrix[row + place, start + code] = 1
            if text.other is not None:
                matrix[row + place, start + text.other] = -1
        if text.other is not None:
            bias[start + text.other] = 1
        row, start = row + len(categories), start + text.n_codes
    return matrix, bias


def _codes(graph: GraphBuilder, text: Text, number: int) -> str:
    other = text.n_codes if text.other is None else text.other
    codes = [*range(len(text.categories)), other if text.missing is None else text.missing]
    graph.constant(f"text_place_{number}", text.place, np.int64)
    graph.node("Gather", [CATEGORICAL, f"text_place_{number}"], f"text_{number}", axis=1)
    return graph.node(
        "LabelEncoder",
        [f"text_{number}"],
        f"code_{number}",
        domain=ML_DOMAIN,
        keys_strings=[*text.categories, ""],
        values_int64s=codes,
        default_int64=other,
    )
