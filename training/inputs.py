"""What a column is, and what a network takes: encoded rows as tensors."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from service.model_repository.signature import DateForm, NumberFormat

if TYPE_CHECKING:
    # Tables are looked at without it: its import alone takes a second or more.
    import torch


@dataclass(frozen=True)
class Column:
    """One feature of a table; `written` how text writes its numbers, unless as programs do.

    `date_form` is how it writes dates. A fingerprint is made of name and kind alone, and so holds
    for what was published before.
    """

    name: str
    kind: Literal["number", "category", "date"]
    written: NumberFormat | None = field(default=None, repr=False)
    date_form: DateForm = field(default="yyyy-mm-dd", repr=False)
    folds_case: bool = field(default=False, repr=False)

    @property
    def is_text(self) -> bool:
        """Whether its cells stand among the texts of the features, or among the numbers."""
        return self.kind == "category"


def placed(columns: Sequence[Column]) -> Iterator[tuple[Column, int]]:
    """Each column with its place among the numbers of the features, or among the texts."""
    numbers = texts = 0
    for column in columns:
        if column.is_text:
            yield column, texts
            texts += 1
        else:
            yield column, numbers
            numbers += 1


@dataclass(frozen=True)
class Inputs:
    """`encoded`, (n, width) float32, and `codes`, (n, m) int64.

    Each column of `codes` holds the category numbers of one feature with a learned embedding.
    """

    encoded: "torch.Tensor"
    codes: "torch.Tensor"

    def __len__(self) -> int:
        return len(self.encoded)

    def __getitem__(self, rows: "torch.Tensor | slice") -> "Inputs":
        return Inputs(self.encoded[rows], self.codes[rows])


@dataclass(frozen=True)
class Rows:
    """Inputs and class indices, (n,)."""

    inputs: Inputs
    class_index: "torch.Tensor"

    def __len__(self) -> int:
        return len(self.class_index)

    def __getitem__(self, rows: "torch.Tensor | slice") -> "Rows":
        return Rows(self.inputs[rows], self.class_index[rows])
