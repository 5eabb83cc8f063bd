"""A table to learn from: numeric features, and a class label for every row."""

import csv
import gzip
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from training.errors import TableInvalid

Label = int | str
Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]

DATASETS = ("digits", "iris", "wine", "breast-cancer")
_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Table:
    """Features, (n, n_features), and per row the index of its label, (n,)."""

    source: str
    target: str
    feature_names: tuple[str, ...]
    labels: tuple[Label, ...]
    features: Floats
    class_index: Indices

    @property
    def fingerprint(self) -> str:
        """The sha256 of names, labels, and every value."""
        digest = hashlib.sha256(repr((self.target, self.feature_names, self.labels)).encode())
        digest.update(np.ascontiguousarray(self.features).tobytes())
        digest.update(np.ascontiguousarray(self.class_index).tobytes())
        return digest.hexdigest()


def load_dataset(name: str) -> Table:
    """One of scikit-learn's own data sets, `name` being one of DATASETS."""
    from sklearn import datasets

    loaded = getattr(datasets, "load_" + name.replace("-", "_"))()
    names: Sequence[object] = loaded.target_names
    labels = tuple(n.item() if isinstance(n, np.integer) else str(n) for n in names)
    return Table(
        source=f"scikit-learn: {name}",
        target="target",
        feature_names=tuple(map(str, loaded.feature_names)),
        labels=labels,
        features=np.asarray(loaded.data, dtype=np.float32),
        class_index=np.asarray(loaded.target, dtype=np.int64),
    )


def read_labelled(path: Path, target: str) -> Table:
    """The table of a CSV file whose column `target` holds the labels. Raises TableInvalid."""
    frame = _read_csv(path)
    if target not in frame.columns:
        raise TableInvalid(
            f"{path}: there is no column '{target}' to predict; "
            f"there are: {_listing(frame.columns)}"
        )
    names = tuple(column for column in frame.columns if column != target)
    if not names:
        raise TableInvalid(f"{path}: there is no column beside the target '{target}'")
    labels, class_index = _labels(path, frame.get_column(target))
    return Table(
        source=path.name,
        target=target,
        feature_names=names,
        labels=labels,
        features=_numeric(path, frame, names),
        class_index=class_index,
    )


def read_features(path: Path, names: Sequence[str]) -> Floats:
    """The columns `names` of a CSV file, (n, n_features), in that order. Raises TableInvalid."""
    frame = _read_csv(path)
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise TableInvalid(
            f"{path}: the model's features {_listing(missing)} are missing; "
            f"there are: {_listing(frame.columns)}"
        )
    return _numeric(path, frame, names)


def read_class_index(path: Path, target: str, labels: Sequence[Label]) -> Indices:
    """The index in `labels` of every label in the column `target`, (n,). Raises TableInvalid."""
    frame = _read_csv(path)
    if target not in frame.columns:
        raise TableInvalid(
            f"{path}: there is no column '{target}' to compare with; "
            f"there are: {_listing(frame.columns)}; --target names another"
        )
    found, index = _labels(path, frame.get_column(target))
    known = {str(label): place for place, label in enumerate(labels)}
    unknown = [str(label) for label in found if str(label) not in known]
    if unknown:
        raise TableInvalid(
            f"{path}: the model does not know the labels {_listing(unknown)}; "
            f"it knows: {_listing(list(known))}"
        )
    return np.array([known[str(label)] for label in found], dtype=np.int64)[index]


def require_classes(table: Table) -> None:
    """Raise TableInvalid unless the target holds two classes or more, and not numbers."""
    if len(table.labels) < 2:
        raise TableInvalid(
            f"{table.source}: the target '{table.target}' holds a single class, "
            f"'{table.labels[0]}': expected at least two"
        )
    if len(table.labels) > max(20, len(table.class_index) // 2):
        raise TableInvalid(
            f"{table.source}: the target '{table.target}' holds {len(table.labels)} different "
            f"values in {len(table.class_index)} rows: expected classes, this looks like a number "
            "or an identifier"
        )


def _read_csv(path: Path) -> pl.DataFrame:
    try:
        content = path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
        frame = pl.read_csv(content, infer_schema=False)
    except (OSError, EOFError) as exc:
        reason = getattr(exc, "strerror", None) or str(exc)
        raise TableInvalid(f"{path}: cannot be read: {reason}") from exc
    except pl.exceptions.NoDataError as exc:
        raise TableInvalid(f"{path}: the file is empty") from exc
    except pl.exceptions.PolarsError as exc:
        raise TableInvalid(f"{path}: is not a CSV table: {str(exc).splitlines()[0]}") from exc
    header = next(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    twice = [name for name in header if header.count(name) > 1]
    if twice:
        raise TableInvalid(f"{path}: two columns are called '{twice[0]}'")
    if frame.height == 0:
        raise TableInvalid(f"{path}: there is a header and no row")
    return frame


def _numeric(path: Path, frame: pl.DataFrame, names: Sequence[str]) -> Floats:
    columns = [_numeric_column(path, frame.get_column(name)) for name in names]
    return np.column_stack(columns).astype(np.float32)


def _numeric_column(path: Path, cells: pl.Series) -> npt.NDArray[np.float64]:
    text = cells.str.strip_chars()
    values = text.cast(pl.Float64, strict=False).fill_null(float("nan")).to_numpy()
    wrong = np.flatnonzero(~(np.abs(values) <= _LARGEST))
    if wrong.size:
        row = int(wrong[0])
        cell = text[row]
        came = "an empty cell" if cell in (None, "") else f"'{cell[:40]}'"
        raise TableInvalid(
            f"{path}: row {row + 1}, column '{cells.name}': expected a number, got {came} "
            f"({wrong.size} such cells in the column); columns of text and missing values "
            "are not supported"
        )
    return np.asarray(values, dtype=np.float64)


def _labels(path: Path, cells: pl.Series) -> tuple[tuple[Label, ...], Indices]:
    empty = np.flatnonzero((cells.is_null() | (cells == "")).fill_null(True).to_numpy())
    if empty.size:
        row = int(empty[0]) + 1
        raise TableInvalid(
            f"{path}: row {row}, column '{cells.name}': expected a label, got an empty cell"
        )
    texts, index = np.unique(cells.to_numpy().astype(str), return_inverse=True)
    if all(_is_integer(text) for text in texts):
        order = np.argsort([int(text) for text in texts])
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        return tuple(int(texts[i]) for i in order), place[index].astype(np.int64)
    return tuple(map(str, texts)), index.astype(np.int64)


def _is_integer(text: str) -> bool:
    # A code such as 007 stays text: as a number it would lose its zeros.
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdigit() and str(int(text)) == text and len(digits) < 19


def _listing(names: Sequence[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:12])
    return shown + (f" and {len(names) - 12} more" if len(names) > 12 else "")
