"""Preprocessing that was learned: raw features to what the network takes, in float32.

graph.py writes the same steps as ONNX nodes.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from service.inference.features import Features, Floats
from training.date_parts import Calendar
from training.inputs import Inputs

if TYPE_CHECKING:
    # Its import takes longer than to look at a table, which does without.
    import torch

Places = npt.NDArray[np.int64]

# Far beyond any training row's scaled value (Samuelson 1968: sqrt(n - 1) standard deviations at
# most), and small enough that neither its square nor a layer's sum overflows.
CLIP = 1e4
_ROWS_AT_ONCE = 65536


@dataclass(frozen=True)
class Bins:
    """Piecewise-linear encoding (Gorishniy et al. 2022, equation 1): each bin goes from 0 to 1.

    `places` say of which of the k columns each bin is.
    """

    places: Places
    lower: Floats
    inverse_width: Floats

    def encode(self, filled: "torch.Tensor") -> "torch.Tensor":
        """(n, k) without gaps to (n, bins)."""
        import torch

        above = filled[:, self.places] - torch.from_numpy(self.lower)
        return (above * torch.from_numpy(self.inverse_width)).clamp_(0, 1)


@dataclass(frozen=True)
class Numbers:
    """(x - offset) * inverse_scale of k columns, with gaps at the offset, then clipped.

    `places` are their columns in the numeric features; `gaps` the ones among the k that get an
    indicator. `smooth` clips by x / sqrt(1 + (x / 3)^2) (Holzmüller et al. 2024, RealMLP), else
    to +-CLIP. Of those that are dates `calendar` has the parts.
    """

    places: Places
    offset: Floats
    inverse_scale: Floats
    gaps: Places
    smooth: bool
    bins: Bins | None
    calendar: Calendar | None = None

    @property
    def width(self) -> int:
        """How many columns the network sees."""
        bins = 0 if self.bins is None else len(self.bins.places)
        parts = 0 if self.calendar is None else len(self.calendar.kept)
        return len(self.places) + len(self.gaps) + bins + parts

    def encode(self, numeric: Floats) -> "list[torch.Tensor]":
        """Scaled numbers, indicators of gaps, bins, and parts of dates: each (n, some columns)."""
        import torch

        x = torch.from_numpy(np.ascontiguousarray(numeric[:, self.places]))
        missing = torch.isnan(x)
        filled = torch.where(missing, torch.from_numpy(self.offset), x)
        scaled = (filled - torch.from_numpy(self.offset)) * torch.from_numpy(self.inverse_scale)
        scaled = scaled.clamp_(-CLIP, CLIP)
        if self.smooth:
            scaled = scaled / torch.sqrt(1 + (scaled / 3).square_())
        encoded = [scaled, missing[:, self.gaps].float()]
        if self.bins is not None:
            encoded.append(self.bins.encode(filled))
        if self.calendar is not None:
            encoded.append(self.calendar.encode(filled, missing))
        return encoded


@dataclass(frozen=True)
class Text:
    """One text column: known categories get codes 0, 1, ...; rest is "other", or missing.

    `other` and `missing` are codes, or None where no training row had such a cell: then there is
    nothing to learn, so a missing cell counts as other, and another category as none of all.
    """

    place: int
    categories: tuple[str, ...]
    other: int | None
    missing: int | None
    embedding: int | None

    @property
    def n_codes(self) -> int:
        """The codes that training rows have."""
        return len(self.categories) + (self.other is not None) + (self.missing is not None)

    def codes(self, cells: npt.NDArray[np.object_]) -> "torch.Tensor":
        """The code of every cell, (n,); n_codes stands for none of all."""
        import torch

        other = self.n_codes if self.other is None else self.other
        known = {category: code for code, category in enumerate(self.categories)}
        known[""] = other if self.missing is None else self.missing
        return torch.tensor([known.get(cell, other) for cell in cells.tolist()], dtype=torch.int64)


@dataclass(frozen=True)
class Preprocessing:
    """Everything between a raw row and the network."""

    numbers: Numbers
    one_hot: tuple[Text, ...]
    embedded: tuple[Text, ...]

    @property
    def n_encoded(self) -> int:
        """The width of the encoded columns."""
        return self.numbers.width + sum(text.n_codes for text in self.one_hot)

    @property
    def embeddings(self) -> tuple[tuple[int, int], ...]:
        """Per embedded column: how many codes, none of all included, and the embedding's width."""
        return tuple((text.n_codes + 1, text.embedding or 0) for text in self.embedded)

    def encode(self, features: Features) -> Inputs:
        """What the network takes for these rows."""
        import torch

        encoded = torch.empty(len(features), self.n_encoded)
        codes = torch.empty(len(features), len(self.embedded), dtype=torch.int64)
        for start in range(0, len(features), _ROWS_AT_ONCE):
            rows = slice(start, start + _ROWS_AT_ONCE)
            self._encode_part(features[rows], encoded[rows], codes[rows])
        return Inputs(encoded, codes)

    def _encode_part(
        self, features: Features, encoded: "torch.Tensor", codes: "torch.Tensor"
    ) -> None:
        import torch

        parts = self.numbers.encode(features.numeric)
        for text in self.one_hot:
            hot = torch.nn.functional.one_hot(
                text.codes(features.categorical[:, text.place]), text.n_codes + 1
            )
            parts.append(hot[:, :-1].float())
        torch.cat(parts, dim=1, out=encoded)
        for place, text in enumerate(self.embedded):
            codes[:, place] = text.codes(features.categorical[:, text.place])
