"""The parts of a card that tell how the version was made: fit, choice, network, table."""

import json
from collections.abc import Iterator, Sequence

from pydantic import JsonValue

from service.inference.dates import ISO, iso_text
from service.model_repository.manifest import Manifest
from service.model_repository.provenance import Finding, ReferenceScore
from service.model_repository.signature import Feature, Signature
from training.report.parts import Grid, Heading, Listing, Paragraph, Part, rest, shown
from training.report.ranking import Ranked, ranked
from training.summary import learning_curve_lines, values_text

_SETTINGS, _CLASSES, _FEATURES, _CATEGORIES = 20, 50, 40, 6


def diagnosis(manifest: Manifest, plots: Sequence[str]) -> Iterator[Part]:
    """The verdict with its findings, then the losses that it was read from."""
    if manifest.diagnosis is not None:
        yield Heading(f"Diagnosis: {manifest.diagnosis.verdict}")
        yield Listing(tuple(map(_finding, manifest.diagnosis.findings)))
        if manifest.diagnosis.references:
            yield Paragraph("Quick references, on validation rows:")
            yield Grid(
                ("reference", "training rows", "validation rows", "accuracy", "log-loss"),
                tuple(map(_reference, manifest.diagnosis.references)),
            )
    yield from shown(plots, "losses", "gradients")


def _reference(found: ReferenceScore) -> tuple[str, ...]:
    scores = (f"{found.accuracy:.4f}", f"{found.log_loss:.4f}")
    return (found.name, f"{found.training_rows:,}", f"{found.rows:,}", *scores)


def _finding(finding: Finding) -> str:
    numbers = ", ".join(f"{name} {value:.4g}" for name, value in finding.numbers.items())
    advice = f" Try: {', or '.join(finding.advice)}." if finding.advice else ""
    return finding.sentence + (f" ({numbers})" if numbers else "") + advice


def selection(manifest: Manifest, plots: Sequence[str]) -> Iterator[Part]:
    """The settings that were tried, the best first."""
    found = manifest.selection
    if found is None:
        return
    yield Heading("How it was chosen")
    yield Paragraph(
        f"{len(found.settings)} settings by {found.search} search over {found.folds} "
        "folds. Chosen: the simplest within one standard error of the lowest mean validation "
        "log-loss."
    )
    rows = tuple(map(_setting, ranked(found, _SETTINGS)))
    yield Grid(("setting", "log-loss", "standard error", "accuracy", ""), rows)
    yield from rest(len(found.settings), len(rows), "settings, in the manifest")
    yield from shown(plots, "selection")


def _setting(one: Ranked) -> tuple[str, ...]:
    setting = one.setting
    mean, error, accuracies = setting.mean_log_loss, setting.standard_error, setting.accuracies
    return (
        values_text(setting.values),
        "" if mean is None else f"{mean:.4f}",
        "" if error is None else f"{error:.4f}",
        f"{sum(accuracies) / len(accuracies):.4f}" if accuracies else "",
        one.mark,
    )


def learning_curve(manifest: Manifest, plots: Sequence[str]) -> Iterator[Part]:
    """What more rows would bring."""
    points = tuple(p for p in manifest.learning_curve if p.log_losses and p.accuracies)
    if points:
        yield Heading("Would more rows help?")
        yield Listing(tuple(line.strip() for line in learning_curve_lines(points)))
        yield from shown(plots, "learning-curve")


def network(manifest: Manifest, plots: Sequence[str]) -> Iterator[Part]:
    """Its shape, and what is inside."""
    found = manifest.network
    yield Heading("The network")
    members = f"{found.members} networks, averaged: each " if found.members > 1 else ""
    yield Paragraph(
        f"{members}{' → '.join(map(str, found.widths))}, {found.activation}, dropout "
        f"{', '.join(map(str, found.dropout))}; {found.parameter_count:,} parameters in all."
    )
    if found.members > 1 and {"weights", "hidden"} & set(plots):
        yield Paragraph("Weights and hidden values are those of the first of the networks.")
    yield from shown(plots, "weights", "hidden")


def settings(manifest: Manifest) -> Iterator[Part]:
    """Every setting of the run that has a value; fractions with four digits."""
    given = ((name, _rounded(value)) for name, value in manifest.settings.items())
    rows = [
        (name, json.dumps(value, ensure_ascii=False))
        for name, value in given
        if value is not None and value != []
    ]
    yield Heading("Settings")
    yield Grid(("setting", "value"), tuple(rows))


def _rounded(value: JsonValue) -> JsonValue:
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


def table(manifest: Manifest) -> Iterator[Part]:
    """Where the rows came from, how many of each class, and the features."""
    found = manifest.table
    yield Heading("The table")
    counts = ", ".join(f"{count:,} for {part}" for part, count in found.rows.items())
    yield Paragraph(
        f"{found.source}, column {found.target}. Rows: {counts}. "
        f"Fingerprint {found.fingerprint[:12]}."
    )
    if found.test_source is not None:
        yield Paragraph(f"The test rows are those of {found.test_source}.")
    if found.groups is not None:
        yield Paragraph(
            f"Rows of one {found.groups.column} belong together ({found.groups.count:,} groups): "
            "no part of the split divides them."
        )
    if found.class_balance:
        yield Grid(
            ("class", "training rows", "validation rows", "test rows"),
            tuple(
                (str(row.label), f"{row.training:,}", f"{row.validation:,}", f"{row.test:,}")
                for row in found.class_balance[:_CLASSES]
            ),
        )
        yield from rest(len(found.class_balance), _CLASSES, "classes, in the manifest")
    features = manifest.signature.features
    head = ("feature", "kind", "values", "missing", "may be missing", "not used, because")
    shown_features = features[:_FEATURES]
    yield Grid(head, tuple(_feature(one, manifest.signature) for one in shown_features))
    yield from rest(len(features), _FEATURES, "features, in the manifest")
    left_out = manifest.signature.left_out
    if left_out:
        more = f" and {len(left_out) - _FEATURES:,} more" if len(left_out) > _FEATURES else ""
        yield Paragraph(
            f"Columns of the table that are no features: {', '.join(left_out[:_FEATURES])}{more}."
        )


def _feature(feature: Feature, signature: Signature) -> tuple[str, ...]:
    values = ""
    if feature.dtype == "string":
        categories = feature.categories or ()
        more = (
            "" if len(categories) <= _CATEGORIES else f" and {len(categories) - _CATEGORIES} more"
        )
        values = ", ".join(categories[:_CATEGORIES]) + more
    elif feature.minimum is not None and feature.maximum is not None:
        written = iso_text if feature.dtype == "date" else "{:g}".format
        values = f"{written(feature.minimum)} to {written(feature.maximum)}"
    optional = "yes" if signature.may_be_missing(feature) else "no"
    missing = f"{feature.missing:.1%}"
    return feature.name, _kind(feature), values, missing, optional, feature.unused or ""


def _kind(feature: Feature) -> str:
    if feature.dtype == "date":
        is_iso = feature.date_form in (None, ISO)
        return "date" if is_iso else f"date (in files {feature.date_form})"
    if feature.dtype == "string":
        return "category" if feature.categories else "text"
    if feature.written is None:
        return "number"
    number, text = feature.written.example
    return f"number ({number:g} for {text})"
