"""What a FastAPI user writes: Pydantic models in and out, ONNX Runtime, plain functions.

Its sessions use one thread, as the other side's do; with ONNX Runtime's defaults it is slower.
"""

from pathlib import Path

import numpy as np
import onnxruntime as ort
from fastapi import FastAPI
from pydantic import BaseModel, create_model


class Rows(BaseModel):
    """Rows as lists."""

    instances: list[list[float]]


class Prediction(BaseModel):
    """One row's answer."""

    label: str
    probability: float
    probabilities: list[float]


class Predictions(BaseModel):
    """The answers in the order of the rows."""

    labels: list[str]
    predictions: list[Prediction]


class Points(BaseModel):
    """Where to evaluate."""

    x: list[float]


class Values(BaseModel):
    """Values and derivatives there."""

    x: list[float]
    y: list[float]
    derivative: list[float]


def create_app(
    lists: Path, objects: Path, labels: dict[str, list[str]], names: list[str]
) -> FastAPI:
    """A service over two graphs: one takes rows as lists, the other as objects by these names."""
    app = FastAPI()
    row = create_model("Row", **dict.fromkeys(names, (float, ...)))  # type: ignore[call-overload]
    table = create_model("Table", instances=(list[row], ...))
    by_list, by_name = _session(lists), _session(objects)

    @app.post("/predict")
    def predict(body: Rows) -> Predictions:
        x = np.array(body.instances, dtype=np.float32)
        return _answer(by_list, x, labels["lists"])

    @app.post("/predict-objects")
    def predict_objects(body: table) -> Predictions:
        rows = [[getattr(row, name) for name in names] for row in body.instances]  # type: ignore[attr-defined]
        return _answer(by_name, np.array(rows, dtype=np.float32), labels["objects"])

    @app.post("/evaluate")
    def evaluate(body: Points) -> Values:
        x = np.array(body.x)
        y = np.tanh(x)
        return Values(x=body.x, y=y.tolist(), derivative=(1 - y * y).tolist())

    return app


def _session(artifact: Path) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(artifact, options)


def _answer(
    session: ort.InferenceSession,
    x: np.ndarray[tuple[int, int], np.dtype[np.float32]],
    labels: list[str],
) -> Predictions:
    (probabilities,) = session.run(["probabilities"], {"features": x})
    return Predictions(
        labels=labels,
        predictions=[
            Prediction(
                label=labels[int(row.argmax())],
                probability=float(row.max()),
                probabilities=row.tolist(),
            )
            for row in probabilities
        ],
    )
