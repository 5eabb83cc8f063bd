"""Classification over JSON: request body to features, predictions to answer body."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import orjson

from service.codecs.json_body import describe, parse_object, refuse_unknown_keys
from service.codecs.json_rows import decode_rows
from service.errors import InvalidInput
from service.inference.features import Features, Floats, RowFormat
from service.inference.predictor import Predictions

KEYS = ("instances", "inputs", "top_k")


@dataclass(frozen=True)
class PredictRequest:
    """Rows, and how many classes to name (None: all, in label order)."""

    features: Features
    top_k: int | None


def decode_predict(body: bytes, *, form: RowFormat, classes: int, row_limit: int) -> PredictRequest:
    """Decode a predict body. Raises MalformedBody, InvalidInput and TooManyRows."""
    content = parse_object(body)
    refuse_unknown_keys(content, KEYS)
    top_k = _top_k(content["top_k"], classes) if "top_k" in content else None
    return PredictRequest(decode_rows(content, form=form, row_limit=row_limit), top_k)


def encode_predictions(
    predictions: Predictions,
    *,
    name: str,
    version: int,
    labels: Sequence[bool | int | str],
    top_k: int | None,
) -> bytes:
    """The answer body; probabilities as short as float32 allows."""
    rows = zip(predictions.probabilities, predictions.class_index.tolist(), strict=True)
    if top_k is None:
        listed = [_full(row, index, labels) for row, index in rows]
    else:
        listed = [_top(row, index, labels, top_k) for row, index in rows]
    answer = {
        "model_name": name,
        "model_version": str(version),
        "labels": labels,
        "predictions": listed,
    }
    return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)


def _top_k(value: object, classes: int) -> int:
    if type(value) is not int or not 1 <= value <= classes:
        raise InvalidInput(
            f"top_k: expected a whole number from 1 to {classes}, got {describe(value)}"
        )
    return value


def _full(row: Floats, index: int, labels: Sequence[bool | int | str]) -> dict[str, object]:
    return {"label": labels[index], "probability": row[index], "probabilities": row}


def _top(row: Floats, index: int, labels: Sequence[bool | int | str], k: int) -> dict[str, object]:
    best = np.argsort(-row, kind="stable")[:k].tolist()
    top = [{"label": labels[i], "probability": row[i]} for i in best]
    return {"label": labels[index], "probability": row[index], "top": top}
