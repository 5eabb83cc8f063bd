"""A table to learn from: features, and a class label for every row."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from service.inference.features import Features
from training.errors import TableInvalid
from training.inputs import Column

Label = bool | int | str
# A cell that says in words that it is empty. "none" is not among them: it may be a category.
MISSING_TEXTS = ("", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null")
Indices = npt.NDArray[np.int64]
NO_REGRESSION = (
    "this classifies and does no regression: cut it into ranges, or name another --target"
)


@dataclass(frozen=True)
class Groups:
    """Rows that belong together: the column that says so, and each row's group, (n,).

    `codes` are the groups' numbers by what the column says.
    """

    column: str
    of_row: Indices
    codes: Mapping[str | int, int] = field(default_factory=dict, compare=False)

    @property
    def count(self) -> int:
        """How many groups there are."""
        return len(np.unique(self.of_row))


@dataclass(frozen=True)
class Table:
    """Rows of features and, for each, the index of its label, (n,).

    A set that comes with a test set of its own has it in its last `test_rows` rows. `left_out`
    are columns of the data that are no features; `notes` say why. `test_source` is the file of the
    test rows where they have one, and `data_fingerprint` that of the other rows alone. Text that is
    one of `missing_texts` says that it is missing.
    """

    source: str
    target: str
    columns: tuple[Column, ...]
    labels: tuple[Label, ...]
    features: Features
    class_index: Indices
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    test_rows: int = 0
    groups: Groups | None = None
    test_source: str | None = None
    missing_texts: tuple[str, ...] = MISSING_TEXTS
    data_fingerprint: str | None = None

    @property
    def fingerprint(self) -> str:
        """The sha256 of names, labels, every value, and every row's group."""
        digest = hashlib.sha256(repr((self.target, self.columns, self.labels)).encode())
        digest.update(np.ascontiguousarray(self.features.numeric).tobytes())
        for cells in self.features.categorical.T:
            digest.update("\x1f".join(cells.tolist()).encode())
        digest.update(np.ascontiguousarray(self.class_index).tobytes())
        if self.groups is not None:
            digest.update(np.ascontiguousarray(self.groups.of_row).tobytes())
        if self.test_source is not None:
            digest.update(f"{self.test_rows} test rows".encode())
        return digest.hexdigest()

    def without(self, ignored: Sequence[str]) -> "Table":
        """The table without these feature columns. Raises TableInvalid for one it does not have."""
        names = [column.name for column in self.columns]
        unknown = [name for name in ignored if name not in names]
        if unknown:
            raise TableInvalid(f"--ignore: there is no column {listing(unknown)}")
        kept = [column for column in self.columns if column.name not in ignored]
        if not kept:
            raise TableInvalid("--ignore leaves no column to learn from")
        numbers = [c.name for c in self.columns if not c.is_text]
        texts = [c.name for c in self.columns if c.is_text]
        features = Features(
            self.features.numeric[:, [n not in ignored for n in numbers]],
            self.features.categorical[:, [t not in ignored for t in texts]],
        )
        left_out = (*self.left_out, *ignored)
        return replace(self, columns=tuple(kept), features=features, left_out=left_out)


def require_classes(table: Table, labelled_rows: int | None = None) -> None:
    """Raise TableInvalid unless the target holds two classes or more, and not numbers.

    `labelled_rows` are those of the whole data, where the table holds a sample.
    """
    rows = len(table.class_index) if labelled_rows is None else labelled_rows
    if len(table.labels) < 2:
        raise TableInvalid(
            f"{table.source}: the target '{table.target}' holds a single class, "
            f"'{label_text(table.labels[0])}': expected at least two"
        )
    if len(table.labels) > max(20, rows // 2):
        raise TableInvalid(
            f"{table.source}: the target '{table.target}' holds {len(table.labels)} different "
            f"values in {rows} rows: {NO_REGRESSION}"
        )


def label_text(label: Label) -> str:
    """A label as a file has it."""
    return str(label).lower() if isinstance(label, bool) else str(label)


def listing(names: Sequence[str]) -> str:
    """Up to a dozen names, quoted, and how many more there are."""
    shown = ", ".join(f"'{name}'" for name in names[:12])
    return shown + (f" and {len(names) - 12} more" if len(names) > 12 else "")
