"""What a card says, from its title to the limits, in the order of a reader's questions."""

import json
from collections.abc import Iterator, Sequence

from service.model_repository.example import example_row
from service.model_repository.manifest import Manifest, Scores
from service.model_repository.signature import Cell
from training.intervals import of_share
from training.report.making import diagnosis, learning_curve, network, selection, settings, table
from training.report.measured import calibration, scores, uncertainty
from training.report.parts import Code, Heading, Listing, Paragraph, Part

_NAMED_FEATURES, _LABELS, _NOTES = 12, 12, 40
_FEW_ROWS, _FEW_TEST_ROWS, _LOW_F1 = 20, 100, 0.5


def content(manifest: Manifest, plots: Sequence[str]) -> Iterator[Part]:
    """The whole card; only of plots that there are."""
    yield Heading(manifest.name, is_title=True)
    yield Paragraph(_what_it_is(manifest))
    yield from _call(manifest)
    yield from scores(manifest, plots)
    yield from diagnosis(manifest, plots)
    yield from selection(manifest, plots)
    yield from calibration(manifest, plots)
    yield from uncertainty(manifest, plots)
    yield from learning_curve(manifest, plots)
    yield from network(manifest, plots)
    yield from table(manifest)
    yield Heading("Limits")
    yield Listing(tuple(_limits(manifest)))
    yield from settings(manifest)


def _what_it_is(manifest: Manifest) -> str:
    labels = ", ".join(map(str, manifest.labels[:_LABELS]))
    beyond = len(manifest.labels) - _LABELS
    more = f" and {beyond} more" if beyond > 0 else ""
    test = manifest.scores.test
    interval = of_share(test.accuracy, test.rows)
    within = "" if interval is None else f" (95 % interval {interval})"
    return (
        f"Classifies rows of {len(manifest.signature.features)} features as one of "
        f"{len(manifest.labels)} classes of {manifest.table.target}: {labels}{more}. Accuracy "
        f"{test.accuracy:.4f}{within} and log-loss {test.log_loss:.4f} on {test.rows} test rows "
        f"that took no part in training. Published {manifest.created:%Y-%m-%d}."
    )


def _call(manifest: Manifest) -> Iterator[Part]:
    yield Heading("How to ask it")
    row: Sequence[Cell] | dict[str, Cell] = example_row(manifest)
    names = manifest.signature.names
    if len(names) <= _NAMED_FEATURES:
        row = dict(zip(names, row, strict=True))
    body: dict[str, object] = {"instances": [row]}
    if manifest.calibration is not None:
        body["coverage"] = 0.9
    if manifest.signature.uncertainty is not None:
        body["uncertainty"] = True
    quoted = json.dumps(body, ensure_ascii=False).replace("'", "'\\''")
    yield Code(
        f"curl -s localhost:8000/v1/models/{manifest.name}:predict "
        f"-H 'content-type: application/json' -d '{quoted}'"
    )


def _limits(manifest: Manifest) -> Iterator[str]:
    yield "It knows rows like those of its table; of others it will name a class all the same."
    yield (
        "The validation rows chose its weights or settings: the test rows alone say how well it "
        "does on new ones."
    )
    test = manifest.scores.test
    if test.rows < _FEW_TEST_ROWS:
        yield f"{test.rows} test rows are few: {_may_be(test)}."
    yield from _of_classes(manifest)
    yield from _of_features(manifest)
    if manifest.parity.labels_different:
        yield (
            f"ONNX Runtime names another class than PyTorch for {manifest.parity.labels_different} "
            f"of {manifest.parity.rows} rows."
        )
    notes = manifest.table.notes
    yield from notes[:_NOTES]
    if len(notes) > _NOTES:
        yield f"and {len(notes) - _NOTES:,} more notes of this kind in the manifest."


def _may_be(test: Scores) -> str:
    interval = of_share(test.accuracy, test.rows)
    if interval is None:
        return "nothing is known of its accuracy on new ones"
    return f"its accuracy on many more may be anything from {interval}"


def _of_classes(manifest: Manifest) -> Iterator[str]:
    lines = [
        f"Class {row.label} had {row.training} rows to learn from."
        for row in manifest.table.class_balance
        if row.training < _FEW_ROWS
    ]
    lines += [
        f"Class {found.label} is recognised badly: F1 {found.f1:.3f} on {found.rows} test rows."
        for found in manifest.scores.test.per_class
        if found.rows and found.f1 < _LOW_F1
    ]
    yield from lines[:_NOTES]
    if len(lines) > _NOTES:
        yield f"and {len(lines) - _NOTES:,} more such lines on classes."


def _of_features(manifest: Manifest) -> Iterator[str]:
    features = manifest.signature.features
    required = sum(not manifest.signature.may_be_missing(feature) for feature in features)
    if required:
        yield (
            f"A row without one of {required} of the {len(features)} features, or with null there, "
            "is refused: the table above names those that may be missing."
        )
    unused = sum(feature.unused is not None for feature in features)
    if unused:
        yield f"It does not look at {unused} of the {len(features)} features of a row."
    left_out = len(manifest.signature.left_out)
    if left_out:
        yield f"Of the table's columns {left_out} were left out; nothing looks at them."
