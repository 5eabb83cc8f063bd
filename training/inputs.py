"""What a column is, and what a network takes: encoded rows as tensors."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from service.model_repository.signature import NumberFormat

if TYPE_CHECKING:
    # Tables are looked at without it: its import alone takes a second or more.
    import torch


@dataclass(frozen=True)
class Column:
    """One feature of a table; `written` how text writes its numbers, unless as programs do.

    A fingerprint is made of name and kind alone, and so holds for what was published before.
    """

    name: str
    kind: Literal["number", "category"]
    written: NumberFormat | None = field(default=None, repr=False)


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
