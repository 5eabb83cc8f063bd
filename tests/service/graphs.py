"""ONNX graphs and published versions made by hand, sound or not: no onnx package is needed.

Message and field numbers are those of onnx.proto3 (https://github.com/onnx/onnx).
"""

import hashlib
import json
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.service.conftest import MODELS, Edit

FLOAT, INT64, BOOL = 1, 7, 9
# Two features, two classes; the probabilities are the features' softmax.
ROWS = [[0.0, 1.0], [2.0, 1.0], [0.5, 0.5], [-1.0, 3.0], [4.0, 0.0]]


def _number(value: int) -> bytes:
    value &= 2**64 - 1
    digits = bytearray()
    while value > 127:
        digits.append(value & 127 | 128)
        value >>= 7
    return bytes((*digits, value))


def _field(number: int, value: int | str | bytes) -> bytes:
    if isinstance(value, int):
        return _number(number << 3) + _number(value)
    content = value.encode() if isinstance(value, str) else value
    return _number(number << 3 | 2) + _number(len(content)) + content


def _fields(number: int, values: Sequence[int | str | bytes]) -> bytes:
    return b"".join(_field(number, value) for value in values)


def tensor(name: str, kind: int, shape: Sequence[int], values: Sequence[float]) -> bytes:
    """A TensorProto; floats, or whole numbers and booleans."""
    raw = {FLOAT: "f", INT64: "q", BOOL: "?"}[kind]
    content = struct.pack(f"<{len(values)}{raw}", *values)
    return _fields(1, shape) + _field(2, kind) + _field(8, name) + _field(9, content)


def node(kind: str, inputs: str, outputs: str, **attributes: int | list[int] | bytes) -> bytes:
    """A NodeProto; its tensors by name, apart by spaces; bytes are a subgraph."""
    made = _fields(1, inputs.split()) + _fields(2, outputs.split()) + _field(4, kind)
    for name, value in attributes.items():
        if isinstance(value, int):
            content = _field(3, value) + _field(20, 2)
        elif isinstance(value, bytes):
            content = _field(6, value) + _field(20, 5)
        else:
            content = _fields(8, value) + _field(20, 7)
        made += _field(5, _field(1, name) + content)
    return made


def value(name: str, kind: int, shape: Sequence[int | str] | None) -> bytes:
    """A ValueInfoProto."""
    tensor_type = _field(1, kind)
    if shape is not None:
        sizes = [_field(2 if isinstance(size, str) else 1, size) for size in shape]
        tensor_type += _field(2, _fields(1, sizes))
    return _field(1, name) + _field(2, _field(1, tensor_type))


def graph(
    nodes: Sequence[bytes],
    inputs: Sequence[bytes],
    outputs: Sequence[bytes],
    constants: Sequence[bytes] = (),
) -> bytes:
    """A GraphProto."""
    parts = (1, nodes), (2, ["g"]), (5, constants), (11, inputs), (12, outputs)
    return b"".join(_fields(number, values) for number, values in parts)


def artifact(
    *extra: bytes,
    constants: Sequence[bytes] = (),
    probabilities: str = "sound",
    hidden: str = "rectified",
    hidden_shape: Sequence[int | str] | None = ("N", 2),
) -> bytes:
    """A ModelProto: softmax, label and ReLU of the features, with more nodes beside them.

    `probabilities` and `hidden` name the tensors that are given out as such.
    """
    nodes = (
        node("Softmax", "features", "sound", axis=1),
        node("Relu", "features", "rectified"),
        node("Shape", "features", "shape"),
        node("Gather", "shape zero", "rows", axis=0),
        *extra,
        node("Identity", probabilities, "probabilities"),
        node("Identity", hidden, "hidden_1"),
        node("ArgMax", "sound", "label", axis=1, keepdims=0),
    )
    outputs = (
        value("probabilities", FLOAT, None),
        value("hidden_1", FLOAT, hidden_shape),
        value("label", INT64, ["N"]),
    )
    whole = graph(
        nodes,
        [value("features", FLOAT, ["N", 2])],
        outputs,
        [tensor("zero", INT64, [], [0]), *constants],
    )
    return _field(1, 8) + _field(7, whole) + _field(8, _field(1, "") + _field(2, 17))


def endless(*, from_rows: int) -> bytes:
    """An artifact that answers fewer rows at once, and so many never."""
    body = graph(
        [node("Identity", "going", "goes"), node("Identity", "old", "new")],
        [value("i", INT64, []), value("going", BOOL, []), value("old", FLOAT, None)],
        [value("goes", BOOL, []), value("new", FLOAT, None)],
    )
    return artifact(
        node("GreaterOrEqual", "rows many", "are_many"),
        node("Where", "are_many ever zero", "times"),
        node("Loop", "times yes sound", "looped", body=body),
        constants=[
            tensor("many", INT64, [], [from_rows]),
            tensor("ever", INT64, [], [2**62]),
            tensor("yes", BOOL, [], [True]),
        ],
        probabilities="looped",
    )


def fewer(*, at_rows: int) -> bytes:
    """An artifact that leaves the last row out where there are so many."""
    return artifact(
        node("Equal", "rows some", "are_some"),
        node("Where", "are_some less all", "end"),
        node("Slice", "sound first end", "cut"),
        constants=[
            tensor("some", INT64, [], [at_rows]),
            tensor("less", INT64, [1], [-1]),
            tensor("all", INT64, [1], [2**62]),
            tensor("first", INT64, [1], [0]),
        ],
        probabilities="cut",
    )


def failing(*, at_rows: int) -> bytes:
    """An artifact that looks beyond a tensor's end where there are so many rows."""
    return _with_place(7, at_rows=at_rows)


def unlike(*, at_rows: int) -> bytes:
    """An artifact that answers other probabilities where there are so many rows."""
    return _with_place(1, at_rows=at_rows)


def _with_place(place: int, *, at_rows: int) -> bytes:
    return artifact(
        node("Equal", "rows some", "are_some"),
        node("Where", "are_some beyond zero", "place"),
        node("Gather", "nothing place", "taken", axis=0),
        node("Add", "sound taken", "added"),
        constants=[
            tensor("some", INT64, [], [at_rows]),
            tensor("beyond", INT64, [], [place]),
            tensor("nothing", FLOAT, [2], [0.0, 0.3]),
        ],
        probabilities="added",
    )


def large(*, gib: int) -> bytes:
    """An artifact of a few bytes that wants so much memory as it opens."""
    return artifact(
        node("Expand", "nothing sizes", "much"),
        node("ReduceSum", "much", "none", keepdims=0),
        node("Add", "sound none", "added"),
        constants=[
            tensor("nothing", FLOAT, [1], [0.0]),
            tensor("sizes", INT64, [2], [gib * 2**10, 2**18]),
        ],
        probabilities="added",
    )


def publish(
    root: Path, name: str, content: bytes, *, version: int = 1, edit: Edit = lambda _: None
) -> Path:
    """Write a version of the artifact; its manifest fits apart from what `edit` does."""
    manifest: dict[str, Any] = json.loads((MODELS / "digits/1/manifest.json").read_text())
    raised = np.exp(np.array(ROWS))
    manifest |= {
        "name": name,
        "labels": [0, 1],
        "calibration": None,
        "golden": {
            "rows": ROWS,
            "probabilities": (raised / raised.sum(axis=1, keepdims=True)).tolist(),
        },
    }
    manifest["signature"] |= {"features": [{"name": "a"}, {"name": "b"}]}
    manifest["artifact"] |= {
        "sha256": hashlib.sha256(content).hexdigest(),
        "size_bytes": len(content),
    }
    edit(manifest)
    folder = root / name / str(version)
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(content)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder
