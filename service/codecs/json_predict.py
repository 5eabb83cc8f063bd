"""Classification over JSON: request body to features, predictions to answer body."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import orjson

from service.codecs.json_body import parse_object
from service.codecs.json_numbers import rows_of_numbers
from service.codecs.json_options import NO_OPTIONS, OPTION_KEYS, Options, decode_options
from service.codecs.json_rows import decode_rows
from service.codecs.json_shapes import EXPECTED, ROW_KEYS, refuse_other_keys
from service.codecs.json_size import refuse_oversized_rows
from service.inference.features import Features, Floats, RowFormat, numbers_only
from service.inference.predictor import Predictions, Uncertainty
from service.inference.unusual import RowWarnings
from service.model_repository.manifest import Manifest

KEYS = (*ROW_KEYS, *OPTION_KEYS)

_Answer = dict[str, object]


class PredictRequest(NamedTuple):
    """Rows, and what to say of them."""

    features: Features
    options: Options


def decode_predict(
    body: bytes, *, form: RowFormat, manifest: Manifest, row_limit: int
) -> PredictRequest:
    """Decode a predict body. Raises MalformedBody, InvalidInput and TooManyRows."""
    if form.plain:
        numbers = rows_of_numbers(body, width=len(form.names), row_limit=row_limit)
        if numbers is not None:
            return PredictRequest(numbers_only(numbers), NO_OPTIONS)
    refuse_oversized_rows(
        body,
        form=form,
        row_limit=row_limit,
        known=KEYS,
        check_options=lambda content: decode_options(content, manifest),
    )
    content = parse_object(body, EXPECTED)
    refuse_other_keys(content, content.__getitem__, known=KEYS, form=form)
    options = decode_options(content, manifest)
    return PredictRequest(decode_rows(content, form=form, row_limit=row_limit), options)


def encode_predictions(
    predictions: Predictions,
    *,
    name: str,
    version: int,
    labels: Sequence[bool | int | str],
    options: Options,
    warnings: Sequence[RowWarnings] | None = None,
) -> bytes:
    """The answer body; probabilities as short as float32 allows."""
    rows, k = predictions.probabilities, options.top_k
    # By number: to walk over an array ends in an exception, which costs as much as a row.
    best = enumerate(predictions.class_index.tolist())
    if k is None:
        listed = [_full(rows[place], index, labels) for place, index in best]
    else:
        listed = [_top(rows[place], index, labels, k) for place, index in best]
    if not options.is_plain:
        _add_options(listed, predictions, labels, options)
    if warnings is not None:
        for one, row in zip(listed, warnings, strict=True):
            one |= {"warnings": row.listed, "warning_count": row.total}
    answer = {
        "model_name": name,
        "model_version": str(version),
        "labels": labels,
        "predictions": listed,
    }
    return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)


def _full(row: Floats, index: int, labels: Sequence[bool | int | str]) -> _Answer:
    return {"label": labels[index], "probability": row[index], "probabilities": row}


def _top(row: Floats, index: int, labels: Sequence[bool | int | str], k: int) -> _Answer:
    best = np.argsort(-row, kind="stable")[:k].tolist()
    top = [{"label": labels[i], "probability": row[i]} for i in best]
    return {"label": labels[index], "probability": row[index], "top": top}


def _add_options(
    listed: Sequence[_Answer],
    predictions: Predictions,
    labels: Sequence[bool | int | str],
    options: Options,
) -> None:
    if options.sets is not None:
        members = options.sets.members(predictions.probabilities, predictions.class_index)
        for answer, inside in zip(listed, members, strict=True):
            answer["prediction_set"] = [labels[i] for i in np.flatnonzero(inside).tolist()]
    if predictions.uncertainty is not None:
        for answer, uncertainty in zip(listed, _each(predictions.uncertainty), strict=True):
            answer["uncertainty"] = uncertainty


def _each(uncertainty: Uncertainty) -> list[_Answer]:
    rows = zip(
        uncertainty.probabilities,
        uncertainty.entropy,
        uncertainty.mutual_information,
        strict=True,
    )
    return [
        {"probabilities": probabilities, "entropy": entropy, "mutual_information": information}
        for probabilities, entropy, information in rows
    ]
