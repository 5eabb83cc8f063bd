"""Hidden representations over JSON."""

from collections.abc import Sequence

import orjson

from service.codecs.json_body import parse_object
from service.codecs.json_numbers import rows_of_numbers
from service.codecs.json_rows import decode_rows
from service.codecs.json_shapes import EXPECTED, ROW_KEYS, refuse_other_keys
from service.codecs.json_size import refuse_oversized_rows
from service.inference.features import Features, RowFormat, numbers_only
from service.inference.predictor import HiddenLayer

KEYS = ROW_KEYS


def decode_hidden(body: bytes, *, form: RowFormat, row_limit: int) -> Features:
    """The rows of the body. Raises MalformedBody, InvalidInput and TooManyRows."""
    if form.plain:
        numbers = rows_of_numbers(body, width=len(form.names), row_limit=row_limit)
        if numbers is not None:
            return numbers_only(numbers)
    refuse_oversized_rows(body, form=form, row_limit=row_limit, known=KEYS)
    content = parse_object(body, EXPECTED)
    refuse_other_keys(content, content.__getitem__, known=KEYS, form=form)
    return decode_rows(content, form=form, row_limit=row_limit)


def encode_hidden(layers: Sequence[HiddenLayer], *, name: str, version: int) -> bytes:
    """The answer body, layer by layer from the features on."""
    answer = {
        "model_name": name,
        "model_version": str(version),
        "layers": [
            {
                "name": layer.name,
                "activation": layer.activation,
                "units": layer.values.shape[1],
                "values": layer.values,
                "zero_fraction": layer.zero_fraction,
                "saturated_fraction": layer.saturated_fraction,
            }
            for layer in layers
        ],
    }
    return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)
