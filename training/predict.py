"""Classify a table with a published version and write the answers as CSV."""

import csv
import io
import os
import tempfile
from pathlib import Path

from service.inference.features import Features
from service.inference.predictor import Predictor
from training.errors import TableInvalid
from training.tables.table import label_text


def predictions_csv(predictor: Predictor, features: Features) -> str:
    """Per row of features: label, its probability, and that of every class."""
    labels = list(map(label_text, predictor.manifest.labels))
    predictions = predictor.predict(features)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["label", "probability", *(f"probability_{label}" for label in labels)])
    rows = zip(predictions.probabilities, predictions.class_index, strict=True)
    for probabilities, index in rows:
        writer.writerow([labels[index], probabilities[index], *probabilities])
    return text.getvalue()


def write_whole(path: Path, content: str) -> None:
    """Write a file so that it is there whole or not at all. Raises TableInvalid."""
    try:
        descriptor, staging = tempfile.mkstemp(prefix=".", dir=path.absolute().parent)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(content)
        Path(staging).chmod(0o644)
        Path(staging).replace(path)
    except OSError as exc:
        raise TableInvalid(f"{path}: cannot be written: {exc.strerror}") from exc
