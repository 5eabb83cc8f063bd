"""What a run came to, in lines for people."""

from collections.abc import Iterator, Mapping, Sequence

from pydantic import JsonValue

from service.model_repository.manifest import Manifest, Scores
from service.model_repository.provenance import LearningCurvePoint, Selection, SettingScore
from training.intervals import of_share

_SETTINGS_SHOWN, _RECALLS_SHOWN, _CLASSES_SHOWN = 20, 12, 50


def run_lines(manifest: Manifest) -> Iterator[str]:
    """Network, scores, calibration, diagnosis: what everybody wants to know first."""
    network = manifest.network
    widths = " -> ".join(map(str, network.widths))
    members = f"{network.members} networks of " if network.members > 1 else ""
    yield (
        f"network     {members}{widths}, {network.activation}, dropout "
        f"{', '.join(map(str, network.dropout))}, {network.parameter_count:,} parameters"
    )
    if manifest.table.groups is not None:
        groups = manifest.table.groups
        yield f"groups      {groups.count:,} of '{groups.column}', none divided by the split"
    yield f"epochs      {len(manifest.history.epochs)}, best {manifest.history.best_epoch}"
    yield f"validation  {score_line(manifest.scores.validation, has_interval=False)}"
    yield f"test        {score_line(manifest.scores.test)}"
    yield f"recall      {recall_line(manifest.scores.test)}"
    if manifest.calibration is not None:
        found = manifest.calibration
        yield (
            f"calibrated  temperature {found.temperature:.3g}: validation log-loss "
            f"{found.log_loss_before:.4f} to {found.log_loss_after:.4f}, calibration error "
            f"{found.calibration_error_before:.4f} to {found.calibration_error_after:.4f}"
        )
        if found.test is not None:
            told = ", ".join(
                f"{sets.coverage:.1%} at {sets.percent} % ({sets.mean_size:.2f} labels)"
                for sets in found.test.sets
            )
            yield f"sets        of {found.test.rows} test rows hold the true label: {told}"
    if manifest.uncertainty is not None:
        worth = manifest.uncertainty
        yield (
            f"uncertainty {worth.masks} masks: {worth.error_by_quintile[0]:.1%} of the surest "
            f"fifth of test rows are wrong, {worth.error_by_quintile[-1]:.1%} of the least sure; "
            f"shuffled rows are told apart with probability {worth.separation:.2f}"
        )
    yield (
        f"parity      ONNX Runtime within {manifest.parity.largest_difference:.1g} of PyTorch, "
        f"{manifest.parity.labels_different} of {manifest.parity.rows} labels different"
    )
    if manifest.diagnosis is not None:
        yield f"diagnosis   {manifest.diagnosis.verdict}"
        for reference in manifest.diagnosis.references:
            yield (
                f"            {reference.name} of {reference.training_rows} rows: accuracy "
                f"{reference.accuracy:.4f}, log-loss {reference.log_loss:.4f} on {reference.rows} "
                "validation rows"
            )
        for finding in manifest.diagnosis.findings:
            yield f"            {finding.sentence}"
            if finding.advice:
                yield f"            try: {', or '.join(finding.advice)}"


def time_line(seconds: Mapping[str, float], threads: JsonValue) -> str:
    """How long a run took, by stage, and on how many threads."""
    stages = ", ".join(f"{stage} {taken:.1f}" for stage, taken in seconds.items())
    on = "1 thread" if threads == 1 else f"{threads} threads"
    return f"time        {sum(seconds.values()):.1f} s on {on}: {stages}"


def selection_lines(selection: Selection) -> Iterator[str]:
    """A table of the settings by mean validation log-loss."""
    order = sorted(range(len(selection.settings)), key=lambda i: _rank(selection.settings[i]))
    yield (
        f"{len(order)} settings by {selection.search} search, {selection.folds} folds: "
        "mean validation log-loss, its standard error, accuracy, epochs, parameters"
    )
    alike = _alike(selection.settings)
    if alike:
        yield f"all with {values_text(alike)}"
    for place in order[:_SETTINGS_SHOWN]:
        yield _setting_line(
            selection.settings[place],
            alike,
            mark="*" if place == selection.chosen else "+" if place == selection.best else " ",
        )
    if len(order) > _SETTINGS_SHOWN:
        yield f"  ... and {len(order) - _SETTINGS_SHOWN} more"
    simplest = ", the simplest within one standard error of the best (+)"
    yield f"* chosen{simplest if selection.chosen != selection.best else ', and the best'}"


def learning_curve_lines(points: tuple[LearningCurvePoint, ...]) -> Iterator[str]:
    """Log-loss by training rows, and what the last step says of more of them."""
    means = []
    for point in points:
        mean = sum(point.log_losses) / len(point.log_losses)
        accuracy = sum(point.accuracies) / len(point.accuracies)
        means.append(mean)
        yield f"  {point.rows:8,} rows: log-loss {mean:.4f}, accuracy {accuracy:.4f}"
    if len(means) > 1:
        share = 1 - means[-1] / means[-2]
        grown = points[-1].rows / points[-2].rows
        told = (
            "more rows would help" if share > 0.02 else "more rows of the kind would change little"
        )
        yield f"  the last {grown:.1f} x rows lowered the log-loss by {share:.1%}: {told}"


def score_line(scores: Scores, *, has_interval: bool = True) -> str:
    """Accuracy beside that of the commonest class, log-loss, ranking, and rows; what there is.

    The accuracy comes with its interval, which rows that chose a model have not: theirs is too
    good by an unknown amount.
    """
    interval = of_share(scores.accuracy, scores.rows) if has_interval else None
    within = "" if interval is None else f" (95 %: {interval})"
    measured = {
        "log-loss": scores.log_loss,
        "AUC": scores.roc_auc,
        "average precision": scores.average_precision,
        "always the commonest class": scores.majority,
    }
    told = [f"{name} {value:.4f}" for name, value in measured.items() if value is not None]
    return ", ".join([f"accuracy {scores.accuracy:.4f}{within}", *told, f"{scores.rows} rows"])


def recall_line(scores: Scores) -> str:
    """The recall of each class that has rows; of many classes the lowest."""
    found = [row for row in scores.per_class if row.rows]
    told = found if len(found) <= _RECALLS_SHOWN else sorted(found, key=lambda row: row.recall)
    listed = ", ".join(f"{row.label} {row.recall:.4f}" for row in told[:_RECALLS_SHOWN])
    return listed if len(found) <= _RECALLS_SHOWN else f"lowest of {len(found)}: {listed}"


def class_lines(scores: Scores) -> Iterator[str]:
    """A table of the scores of each class; of very many the ones with the lowest recall."""
    told = scores.per_class
    if len(told) > _CLASSES_SHOWN:
        found = sorted((row for row in told if row.rows), key=lambda row: row.recall)
        told = tuple(found[:_CLASSES_SHOWN])
        yield f"of {len(scores.per_class)} classes the {len(told)} with the lowest recall:"
    width = max([5, *(len(str(row.label)) for row in told)])
    yield (
        f"{'class':{width}}  precision  recall  {'95 % interval':14}      f1     AUC      AP   rows"
    )
    for row in told:
        interval = of_share(row.recall, row.rows)
        yield (
            f"{row.label!s:{width}}  {row.precision:9.4f}  {row.recall:6.4f}  "
            f"{interval or '-'!s:14}  {row.f1:6.4f}  {_share(row.roc_auc)}  "
            f"{_share(row.average_precision)}  {row.rows:5d}"
        )


def _share(value: float | None) -> str:
    """A share in six characters; a dash for one that was not measured."""
    return f"{'-':>6}" if value is None else f"{value:6.4f}"


def values_text(values: Mapping[str, JsonValue]) -> str:
    """Varied settings as flags would have them."""
    return " ".join(f"{name}={value_text(value)}" for name, value in values.items())


def value_text(value: JsonValue) -> str:
    """One value as --vary would have it."""
    if isinstance(value, list):
        return "x".join(map(str, value))
    if not isinstance(value, float):
        return str(value).lower()
    short = f"{value:g}"
    return short if float(short) == value else repr(value)


def _rank(setting: SettingScore) -> tuple[bool, float]:
    mean = setting.mean_log_loss
    return (setting.ended is not None, float("inf") if mean is None else mean)


def _alike(settings: Sequence[SettingScore]) -> dict[str, JsonValue]:
    """The values that all of several settings have."""
    first, *others = settings
    return {
        name: value
        for name, value in first.values.items()
        if others and all(other.values.get(name) == value for other in others)
    }


def _setting_line(setting: SettingScore, alike: Mapping[str, JsonValue], *, mark: str) -> str:
    values = values_text({k: v for k, v in setting.values.items() if k not in alike})
    if setting.mean_log_loss is None or setting.standard_error is None:
        return f"{mark} {'-':>7}                                    {values} ({setting.ended})"
    accuracy = sum(setting.accuracies) / len(setting.accuracies)
    epochs = f"{min(setting.best_epochs)}-{max(setting.best_epochs)}"
    ended = f" ({setting.ended})" if setting.ended else ""
    return (
        f"{mark} {setting.mean_log_loss:7.4f} {setting.standard_error:7.4f} {accuracy:7.4f} "
        f"{epochs:>8} {setting.parameter_count:9,}  {values}{ended}"
    )
