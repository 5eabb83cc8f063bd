"""What a model.onnx says in its own metadata of how it is fed, and how its answers read."""

import json

from service.model_repository.signature import CATEGORICAL, FEATURES, NUMERIC, Signature
from training.trained import TrainedModel

_HOW = (
    "All other keys hold JSON. `inputs`: the columns of every input tensor, in order; a tensor has "
    "a line a row, of numbers as float32, NaN where missing, or of text, empty where missing. "
    "`labels`: the columns of the output `probabilities`, in order; the output `label` is the most "
    "probable. `dates`: columns that are days since 1970-01-01. `may_be_missing`: the columns in "
    "which a gap is no mistake. `categories`: the texts that a column knows; every other text, "
    "another spelling too, is taken as never seen. Before it goes in, text loses the blanks around "
    "it if `trims_text`, and what is one of `missing_texts` is missing."
)
_FOLDED = (
    " Then the text of the columns `folds_case` is case-folded as Unicode has it, with one blank "
    "between words, and missing if that makes it one of `missing_texts`."
)


def feeding(model: TrainedModel) -> dict[str, str]:
    """The metadata by its keys: `how_to_feed` says in words what the JSON of the others means."""
    signature = model.signature
    said = {
        "inputs": _columns(signature),
        "labels": model.labels,
        "dates": [f.name for f in signature.features if f.dtype == "date"],
        "may_be_missing": [f.name for f in signature.features if signature.may_be_missing(f)],
        "categories": {f.name: f.categories or () for f in signature.texts},
        "trims_text": signature.trims_text,
        "missing_texts": signature.missing_texts,
    }
    how = _HOW
    if folded := [f.name for f in signature.features if f.folds_case]:
        how, said = how + _FOLDED, {**said, "folds_case": folded}
    written = {key: json.dumps(value, ensure_ascii=False) for key, value in said.items()}
    return {"how_to_feed": how, **written}


def _columns(signature: Signature) -> dict[str, list[str]]:
    columns = {
        FEATURES: signature.features,
        NUMERIC: signature.numbers,
        CATEGORICAL: signature.texts,
    }
    return {tensor: [f.name for f in columns[tensor]] for tensor in signature.inputs}
