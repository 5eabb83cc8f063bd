"""What a card says, as headings, paragraphs, tables, code and pictures."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from service.model_repository.manifest import Manifest
from service.model_repository.provenance import Diagnosis, Selection
from service.model_repository.signature import Cell
from training.summary import learning_curve_lines, values_text

_SETTINGS, _CLASSES, _FEATURES, _NAMED_FEATURES = 20, 50, 40, 12
_FEW_ROWS = 20


@dataclass(frozen=True)
class Heading:
    """The title of the card, or of a part of it."""

    text: str
    is_title: bool = False


@dataclass(frozen=True)
class Paragraph:
    """Running text."""

    text: str


@dataclass(frozen=True)
class Listing:
    """Points, each a line."""

    lines: tuple[str, ...]


@dataclass(frozen=True)
class Grid:
    """A table with a head."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Code:
    """A command."""

    text: str


@dataclass(frozen=True)
class Plot:
    """A picture by its name, and what it shows."""

    name: str
    shows: str


Part = Heading | Paragraph | Listing | Grid | Code | Plot


def content(manifest: Manifest, plots: Sequence[str]) -> Iterator[Part]:
    """The whole card; only of plots that there are."""
    yield Heading(manifest.name, is_title=True)
    yield Paragraph(_what_it_is(manifest))
    yield from _call(manifest)
    yield from _scores(manifest, plots)
    if manifest.diagnosis is not None:
        yield from _diagnosis(manifest.diagnosis)
    yield from _plots(plots, "losses", "gradients")
    if manifest.selection is not None:
        yield from _selection(manifest.selection, plots)
    yield from _calibration(manifest, plots)
    yield from _uncertainty(manifest, plots)
    if manifest.learning_curve:
        yield Heading("Would more rows help?")
        yield Listing(tuple(line.strip() for line in learning_curve_lines(manifest.learning_curve)))
        yield from _plots(plots, "learning-curve")
    yield from _network(manifest, plots)
    yield from _table(manifest)
    yield Heading("Limits")
    yield Listing(tuple(_limits(manifest)))


_SHOWS = {
    "losses": "Training and validation loss over epochs",
    "gradients": "Gradient norms of each layer over epochs",
    "selection": "Every setting's mean validation log-loss with its standard error",
    "confusion": "Test rows by true and predicted class",
    "classes": "F1 of each class on test rows",
    "reliability": "Accuracy against confidence on test rows",
    "uncertainty": "Error against uncertainty, and rows of another kind",
    "learning-curve": "Validation log-loss against training rows",
    "weights": "Weights of each layer",
    "hidden": "Hidden values of each layer",
}


def _plots(plots: Sequence[str], *names: str) -> Iterator[Part]:
    for name in names:
        if name in plots:
            yield Plot(name, _SHOWS[name])


def _what_it_is(manifest: Manifest) -> str:
    labels = ", ".join(map(str, manifest.labels[:12]))
    more = f" and {len(manifest.labels) - 12} more" if len(manifest.labels) > 12 else ""
    test = manifest.scores.test
    return (
        f"Classifies rows of {len(manifest.signature.features)} features as one of "
        f"{len(manifest.labels)} classes of {manifest.table.target}: {labels}{more}. Accuracy "
        f"{test.accuracy:.4f} and log-loss {test.log_loss:.4f} on {test.rows} test rows that took "
        f"no part in training. Published {manifest.created:%Y-%m-%d}."
    )


def _call(manifest: Manifest) -> Iterator[Part]:
    yield Heading("How to ask it")
    row: Sequence[Cell] | dict[str, Cell] = manifest.golden.rows[0]
    names = manifest.signature.names
    if len(names) <= _NAMED_FEATURES:
        row = dict(zip(names, manifest.golden.rows[0], strict=True))
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


def _scores(manifest: Manifest, plots: Sequence[str]) -> Iterator[Part]:
    yield Heading("Scores")
    parts = (("validation", manifest.scores.validation), ("test", manifest.scores.test))
    rows = ((n, f"{s.rows:,}", f"{s.accuracy:.4f}", f"{s.log_loss:.4f}") for n, s in parts)
    yield Grid(("rows of", "rows", "accuracy", "log-loss (nats)"), tuple(rows))
    yield Grid(
        ("class", "precision", "recall", "F1", "test rows"),
        tuple(
            (str(c.label), f"{c.precision:.3f}", f"{c.recall:.3f}", f"{c.f1:.3f}", str(c.rows))
            for c in manifest.scores.test.per_class[:_CLASSES]
        ),
    )
    yield from _plots(plots, "confusion", "classes")


def _diagnosis(diagnosis: Diagnosis) -> Iterator[Part]:
    yield Heading(f"Diagnosis: {diagnosis.verdict}")
    yield Listing(
        tuple(
            f"{finding.sentence}"
            + (f" Try: {', or '.join(finding.advice)}." * bool(finding.advice))
            for finding in diagnosis.findings
        )
    )


def _selection(selection: Selection, plots: Sequence[str]) -> Iterator[Part]:
    yield Heading("How it was chosen")
    yield Paragraph(
        f"{len(selection.settings)} settings by {selection.search} search over {selection.folds} "
        "folds. Chosen: the simplest within one standard error of the lowest mean validation "
        "log-loss."
    )
    whole = [
        (place, s, s.mean_log_loss)
        for place, s in enumerate(selection.settings)
        if s.mean_log_loss is not None
    ]
    rows = []
    for place, setting, mean in sorted(whole, key=lambda row: row[2])[:_SETTINGS]:
        accuracy = sum(setting.accuracies) / len(setting.accuracies)
        mark = "chosen" if place == selection.chosen else setting.ended or ""
        rows.append(
            (
                values_text(setting.values),
                f"{mean:.4f}",
                f"{setting.standard_error or 0:.4f}",
                f"{accuracy:.4f}",
                mark,
            )
        )
    yield Grid(("setting", "log-loss", "standard error", "accuracy", ""), tuple(rows))
    yield from _plots(plots, "selection")


def _calibration(manifest: Manifest, plots: Sequence[str]) -> Iterator[Part]:
    found = manifest.calibration
    if found is not None or "reliability" in plots:
        yield Heading("How far its probabilities may be believed")
    if found is not None:
        yield Paragraph(
            f"A temperature of {found.temperature:.3g} is part of the graph: on {found.rows} "
            f"validation rows it took the log-loss from {found.log_loss_before:.4f} to "
            f"{found.log_loss_after:.4f} and the expected calibration error from "
            f"{found.calibration_error_before:.4f} to {found.calibration_error_after:.4f}. "
            'With "coverage": 0.9 in a request, each answer names a set of labels that holds the '
            "true one for 90 % of rows like these, on average; an empty set says that no class is "
            "near."
        )
    yield from _plots(plots, "reliability")


def _uncertainty(manifest: Manifest, plots: Sequence[str]) -> Iterator[Part]:
    worth = manifest.uncertainty
    if worth is None:
        return
    yield Heading("What its uncertainty is worth")
    yield Paragraph(
        f"{worth.masks} dropout masks are part of the graph. On {worth.rows} test rows the surest "
        f"fifth is wrong in {worth.error_by_quintile[0]:.1%} of cases, the least sure in "
        f"{worth.error_by_quintile[-1]:.1%}. Of a test row and one with its columns shuffled, the "
        f"latter has the higher mutual information with probability {worth.separation:.2f}."
    )
    yield from _plots(plots, "uncertainty")


def _network(manifest: Manifest, plots: Sequence[str]) -> Iterator[Part]:
    network = manifest.network
    yield Heading("The network")
    members = f"{network.members} networks, averaged: each " if network.members > 1 else ""
    yield Paragraph(
        f"{members}{' -> '.join(map(str, network.widths))}, {network.activation}, dropout "
        f"{', '.join(map(str, network.dropout))}; {network.parameter_count:,} parameters in all."
    )
    settings = ((name, json.dumps(value)) for name, value in manifest.settings.items())
    yield Grid(("setting", "value"), tuple(settings))
    yield from _plots(plots, "weights", "hidden")


def _table(manifest: Manifest) -> Iterator[Part]:
    table = manifest.table
    yield Heading("The table")
    counts = ", ".join(f"{count:,} for {part}" for part, count in table.rows.items())
    yield Paragraph(f"{table.source}: {counts}.")
    rows = []
    for feature in manifest.signature.features[:_FEATURES]:
        values = (
            ", ".join((feature.categories or ())[:6])
            if feature.dtype == "string"
            else f"{feature.minimum:g} to {feature.maximum:g}"
            if feature.minimum is not None and feature.maximum is not None
            else ""
        )
        rows.append((feature.name, values, f"{feature.missing:.1%}", feature.unused or ""))
    yield Grid(("feature", "values", "missing", "not used, because"), tuple(rows))


def _limits(manifest: Manifest) -> Iterator[str]:
    yield "It knows rows like those of its table; of others it will name a class all the same."
    for row in manifest.table.class_balance:
        if row.training < _FEW_ROWS:
            yield f"Class {row.label} had {row.training} rows to learn from."
    few = manifest.scores.test.rows < 100
    if few:
        yield f"{manifest.scores.test.rows} test rows are few: the scores may be off by points."
    yield from manifest.table.notes
