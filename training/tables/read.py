"""From a path to a table, to the features that a published model takes, or to labels."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from service.inference.dates import EXAMPLE, ISO
from service.inference.features import Features, Texts, numbers_only, why_required
from service.inference.spelling import Spelling, are_told_apart
from service.model_repository.manifest import Manifest
from service.model_repository.signature import Feature, Signature
from service.nearest import did_you_mean, nearest
from training.errors import TableInvalid
from training.inputs import Column
from training.tables.columns import markers, typed_columns, values_of
from training.tables.files import Arrays, read_data
from training.tables.groups import group_notes, grouped_by, groups_of
from training.tables.kinds import Asked
from training.tables.labels import index_among, labels_of
from training.tables.table import MISSING_TEXTS, Indices, Table, listing

_KINDS: dict[str, Literal["number", "category", "date"]] = {
    "float32": "number", "string": "category", "date": "date",
}  # fmt: skip
_EXPECTED = {"float32": "a number", "string": "text", "date": f"a date such as {EXAMPLE}"}


def read_table(
    path: Path,
    target: str | None,
    asked: Asked,
    delimiter: str | None,
    memory: int | None = None,
) -> Table:
    """The labelled rows of a file or folder, in `memory` bytes. Raises TableInvalid."""
    return table_of(path, read_data(path, delimiter=delimiter, memory=memory), target, asked)


def table_of(path: Path, data: pl.DataFrame | Arrays, target: str | None, asked: Asked) -> Table:
    """The labelled rows of what was read from a path. Raises TableInvalid."""
    if isinstance(data, Arrays):
        if replace(asked, ignored=(), group=None) != Asked():
            raise TableInvalid(
                f"{path}: --numeric, --categorical, --date, --fold-case, --missing and --decimal "
                "are not for arrays of numbers"
            )
        table = table_of_arrays(path.name, data, target or "y")
        if asked.group is not None:
            table = grouped_by(table, asked.group)
        return table.without([name for name in asked.ignored if name != asked.group])
    if target is None:
        raise TableInvalid(
            f"{path}: --target names the column to predict; there are: {listing(data.columns)}"
        )
    if target not in data.columns:
        raise TableInvalid(
            f"{path}: there is no column '{target}' to predict; there are: {listing(data.columns)}"
            f"{did_you_mean(target, data.columns)}"
        )
    return table_of_frame(path.name, data, target, asked)


def table_of_frame(source: str, frame: pl.DataFrame, target: str, asked: Asked) -> Table:
    """The table of a frame whose column `target` holds the labels. Raises TableInvalid."""
    missing = markers(asked)
    labels, index = labels_of(source, frame.get_column(target), missing)
    rest = frame.drop(target)
    labelled = np.flatnonzero(index >= 0)
    groups = None
    if asked.group is not None:
        groups = groups_of(source, rest, asked.group, markers(asked))
        groups = replace(groups, of_row=groups.of_row[labelled])
    typed = typed_columns(source, rest, asked)
    notes = [*typed.notes, *group_notes(source, rest, asked)]
    if len(labelled) < len(index):
        notes.append(
            f"{len(index) - len(labelled)} of {len(index)} rows are left out: they have no label "
            f"in '{target}'"
        )
    return Table(
        source=source,
        target=target,
        columns=typed.columns,
        labels=labels,
        features=typed.features[labelled] if len(labelled) < len(index) else typed.features,
        class_index=index[labelled],
        notes=tuple(notes),
        left_out=typed.left_out,
        groups=groups,
        missing_texts=missing,
    )


def table_of_arrays(source: str, data: Arrays, target: str) -> Table:
    """The table of an array of numbers and one of labels. Raises TableInvalid."""
    wrong = ~np.isfinite(data.features) & ~np.isnan(data.features)
    if wrong.any():
        row, place = map(int, np.argwhere(wrong)[0])
        raise TableInvalid(
            f"{source}: row {row + 1}, column '{data.names[place]}': expected a number within "
            f"float32, got {data.features[row, place]}"
        )
    labels, index = labels_of(source, pl.Series(target, data.labels))
    if (index < 0).any():
        raise TableInvalid(f"{source}: row {int((index < 0).argmax()) + 1} of y holds no label")
    return Table(
        source=source,
        target=target,
        columns=tuple(Column(name, "number") for name in data.names),
        labels=labels,
        features=numbers_only(data.features),
        class_index=index,
        test_rows=data.test_rows,
    )


def features_of(path: Path, data: pl.DataFrame | Arrays, signature: Signature) -> Features:
    """What was read from a path as a model with this signature takes it. Raises TableInvalid."""
    if isinstance(data, Arrays):
        if any(f.dtype != "float32" for f in signature.features) or len(data.names) != len(
            signature.features
        ):
            raise TableInvalid(
                f"{path}: expected the model's {len(signature.features)} features, got an array "
                f"of {len(data.names)}"
            )
        features = numbers_only(data.features)
        _require_no_gap(path, features, signature)
        return features
    present = set(data.columns)
    needed = [f.name for f in signature.features if not signature.may_be_missing(f)]
    missing = [name for name in needed if name not in present]
    if missing:
        raise TableInvalid(
            f"{path}: the model's features {listing(missing)} are missing; "
            f"there are: {listing(data.columns)}{_renamed(missing, data.columns, signature)}"
        )
    absent = [f.name for f in signature.features if f.name not in present]
    frame = data.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in absent)
    columns = list(map(_column, signature.features))
    signature = _as_files_are_read(signature)
    features = values_of(str(path), frame, columns, signature.missing_texts)
    for place, feature in enumerate(signature.texts):
        _respell(features.categorical[:, place], Spelling(feature, signature))
    _require_no_gap(path, features, signature)
    return features


def _renamed(missing: Sequence[str], columns: Sequence[str], signature: Signature) -> str:
    """Which column of a file may be a feature that is missing there."""
    strays = [column for column in columns if column not in signature.names]
    for name in missing:
        found = nearest(name, strays)
        if found is not None:
            return f"; is '{found}' meant to be '{name}'?"
    return ""


def _column(feature: Feature) -> Column:
    kind = _KINDS[feature.dtype]
    return Column(feature.name, kind, feature.written, feature.date_form or ISO, feature.folds_case)


def _as_files_are_read(signature: Signature) -> Signature:
    """The signature with how text is read; up to schema 3 it said nothing of that."""
    if signature.trims_text:
        return signature
    features = tuple(
        feature.model_copy(update={"respelled": are_told_apart(feature.categories or ())})
        for feature in signature.features
    )
    update = {"trims_text": True, "missing_texts": MISSING_TEXTS, "features": features}
    return signature.model_copy(update=update)


def _respell(cells: Texts, spelling: Spelling) -> None:
    """Spell booleans and whole numbers as the model does, whichever kind of file they come from."""
    respelled = {cell: spelling.read(cell) for cell in set(cells.tolist())}
    cells[:] = [respelled[cell] for cell in cells.tolist()]


def class_index_of(
    path: Path, data: pl.DataFrame | Arrays, target: str, manifest: Manifest
) -> Indices:
    """The index among a model's labels of every row's label, (n,), -1 for none.

    Raises TableInvalid.
    """
    if isinstance(data, Arrays):
        return index_among(str(path), pl.Series(target, data.labels), manifest.labels)
    if target not in data.columns:
        raise TableInvalid(
            f"{path}: there is no column '{target}' to compare with; "
            f"there are: {listing(data.columns)}{did_you_mean(target, data.columns)}; "
            "--target names another"
        )
    return index_among(
        str(path),
        data.get_column(target),
        manifest.labels,
        manifest.signature.missing_texts or MISSING_TEXTS,
    )


def _require_no_gap(path: Path, features: Features, signature: Signature) -> None:
    numbers, texts = np.isnan(features.numeric), features.categorical == ""
    for gaps, of_kind in ((numbers, signature.numbers), (texts, signature.texts)):
        for place, feature in enumerate(of_kind):
            rows = np.flatnonzero(gaps[:, place])
            if len(rows) and not signature.may_be_missing(feature):
                kind = _EXPECTED[feature.dtype]
                raise TableInvalid(
                    f"{path}: row {rows[0] + 1}, column '{feature.name}': expected {kind}, got an "
                    f"empty cell ({len(rows)} such cells in the column): {why_required(feature)}; "
                    "leave such rows out, or train with --accept-missing all"
                )
