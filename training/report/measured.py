"""The parts of a card that tell how good the version is, and how sure it may be."""

from collections.abc import Iterator, Sequence

from service.model_repository.manifest import ClassScores, Manifest, Scores
from service.model_repository.provenance import COVERAGE_PERCENTS, Calibration, CalibrationTest
from training.intervals import Interval, of_share
from training.report.parts import Grid, Heading, Paragraph, Part, rest, shown

_CLASSES, _COVERAGE = 50, 90


def scores(manifest: Manifest, plots: Sequence[str]) -> Iterator[Part]:
    """Scores on validation and test rows, and of each class."""
    yield Heading("Scores")
    parts = (("validation", manifest.scores.validation), ("test", manifest.scores.test))
    head = (
        "rows of",
        "rows",
        "accuracy",
        "95 % interval",
        "always the commonest class",
        "log-loss (nats)",
        "AUC",
        "average precision",
    )
    yield Grid(head, tuple(_scored(name, found) for name, found in parts))
    per_class = manifest.scores.test.per_class
    if per_class:
        yield Grid(
            (
                "class",
                "precision",
                "recall",
                "95 % interval",
                "F1",
                "AUC",
                "average precision",
                "test rows",
            ),
            tuple(map(_of_class, per_class[:_CLASSES])),
        )
        yield from rest(len(per_class), _CLASSES, "classes, in the manifest")
    yield Paragraph(_intervals(manifest))
    yield from shown(plots, "confusion", "classes")


def _intervals(manifest: Manifest) -> str:
    told = (
        "The intervals (Wilson's, 95 %) say where accuracy and recall may lie on all rows like the "
        "test rows."
    )
    groups = manifest.table.groups
    if groups is None:
        return told
    return (
        f"{told} They count rows one by one: as those of one {groups.column} are alike, the truth "
        "may lie farther off."
    )


def _scored(name: str, found: Scores) -> tuple[str, ...]:
    # The validation rows chose the model: theirs is too good by an unknown amount.
    interval = of_share(found.accuracy, found.rows) if name == "test" else None
    others = (found.majority, found.log_loss, found.roc_auc, found.average_precision)
    accuracy = (_decimals(found.accuracy), _written(interval))
    return (name, f"{found.rows:,}", *accuracy, *map(_decimals, others))


def _of_class(found: ClassScores) -> tuple[str, ...]:
    others = (found.f1, found.roc_auc, found.average_precision)
    interval = of_share(found.recall, found.rows)
    recall = (_decimals(found.recall, 3), _written(interval))
    shares = (_decimals(share, 3) for share in others)
    return (str(found.label), _decimals(found.precision, 3), *recall, *shares, str(found.rows))


def _written(interval: Interval | None) -> str:
    return "" if interval is None else str(interval)


def _decimals(value: float | None, digits: int = 4) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def calibration(manifest: Manifest, plots: Sequence[str]) -> Iterator[Part]:
    """What the temperature did, and what a coverage promises."""
    found, plot = manifest.calibration, shown(plots, "reliability")
    if found is not None or plot:
        yield Heading("How far its probabilities may be believed")
    if found is not None:
        yield Paragraph(_calibrated(found))
        yield Paragraph(" ".join((_sets(found), *_by_class(found))))
        if found.test is not None:
            yield from _tested(found.test)
    yield from plot


def _calibrated(found: Calibration) -> str:
    return (
        f"A temperature of {found.temperature:.3g} is part of the graph: on {found.rows} "
        f"validation rows it took the log-loss from {found.log_loss_before:.4f} to "
        f"{found.log_loss_after:.4f} and the expected calibration error from "
        f"{found.calibration_error_before:.4f} to {found.calibration_error_after:.4f}."
    )


def _sets(found: Calibration) -> str:
    begin = (
        f'With "coverage": {_COVERAGE / 100:g} in a request, each answer names a set of labels '
        f"that holds the true one for {_COVERAGE} % of rows like these, on average: "
    )
    place = COVERAGE_PERCENTS.index(_COVERAGE)
    threshold = f"every label of probability {found.thresholds[place]:.3g} or more"
    empty = (
        "A set is empty where no label is that probable: of rows that the model is unsure about, "
        "which need not be unlike those of training."
    )
    if not found.first_thresholds:
        return f"{begin}{threshold}. {empty}"
    return (
        f"{begin}the most probable label, and every other of probability "
        f"{found.first_thresholds[place]:.3g} or more. Where the most probable label alone is "
        'right more often than asked, so are the sets. With "empty_sets": true they hold the true '
        f"label just as often as asked: {threshold}. {empty}"
    )


def _by_class(found: Calibration) -> Iterator[str]:
    if not found.class_percents:
        return
    yield '"coverage_by": "class" asks for sets that hold for the rows of every class by itself.'
    for percent, thresholds in zip(found.class_percents, found.class_thresholds, strict=True):
        always = sum(threshold == 0.0 for threshold in thresholds)
        if always:
            yield (
                f"At {percent} % {always} of {len(thresholds)} classes had too few rows to say how "
                "probable they must be: these are in every set."
            )
            # Whoever has too few rows for one coverage has too few for every higher one.
            return


def _tested(test: CalibrationTest) -> Iterator[Part]:
    yield Paragraph(
        f"On {test.rows:,} test rows the published graph has an expected calibration error of "
        f"{test.calibration_error:.4f}, and its sets came to:"
    )
    head = ("asked", "covered", "labels in a set", "covered by sets that may be empty", "empty")
    yield Grid(
        head,
        tuple(
            (
                f"{found.percent} %",
                f"{found.coverage:.1%}",
                f"{found.mean_size:.2f}",
                f"{found.coverage_with_empty:.1%}",
                f"{found.empty:.1%}",
            )
            for found in test.sets
        ),
    )


def uncertainty(manifest: Manifest, plots: Sequence[str]) -> Iterator[Part]:
    """How well the masks' spread tells wrong answers and odd rows."""
    worth = manifest.uncertainty
    if worth is None:
        return
    fifths = ""
    if worth.error_by_quintile:
        fifths = (
            f" the surest fifth is wrong in {worth.error_by_quintile[0]:.1%} of cases, the least "
            f"sure in {worth.error_by_quintile[-1]:.1%}."
        )
    measured = f"On {worth.rows} test rows{fifths}" if fifths else f"{worth.rows} test rows."
    yield Heading("What its uncertainty is worth")
    yield Paragraph(
        f"{worth.masks} dropout masks are part of the graph. {measured} Of a test row and one "
        "with its columns shuffled, the latter has the higher mutual information with "
        f"probability {worth.separation:.2f}; 0.50 would be a guess."
    )
    yield from shown(plots, "uncertainty")
