"""Rows that stand on both sides of the split: test rows whose features a training row has, too."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from service.inference.features import Features
from training.inputs import Column, placed
from training.split import Indices, Split

_Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class FoundTwins:
    """How many of `test_rows` have equal features with a row of training or validation.

    `other_label`: of these, with such a row of another label. `but_for` are columns that were not
    compared. `is_whole` unless of the training rows there is but a sample.
    """

    test_rows: int
    rows: int
    other_label: int
    but_for: tuple[str, ...]
    is_whole: bool

    @property
    def notes(self) -> list[str]:
        """What the user should know of it."""
        sample = "" if self.is_whole else " (looked for in a sample of the training rows only)"
        if not self.rows:
            return [f"no test row equals a row trained on{sample}"] if sample else []
        but_for = f" but for {', '.join(map(repr, self.but_for))}" if self.but_for else ""
        other = f", {self.other_label:,} of them with another label" if self.other_label else ""
        told = (
            f"{self.rows:,} of {self.test_rows:,} test rows ({self.rows / self.test_rows:.1%}) "
            f"stand on both sides of the split: all their features{but_for} equal those of a row "
            f"for training or validation{other}{sample}. If they are copies, the test scores "
            "flatter: leave copies out, or keep rows that belong together on one side with --group"
        )
        return [told]


def find_twins(
    features: Features,
    columns: Sequence[Column],
    class_index: Indices,
    split: Split,
    *,
    but_for: Collection[str] = (),
    is_whole: bool = True,
) -> FoundTwins:
    """Compare the test rows with all others in every column not in `but_for`, or else in all."""
    if all(column.name in but_for for column in columns):
        but_for = ()
    hashes = row_hashes(features, columns, but_for=but_for)
    others = np.concatenate([split.training, split.validation])
    known, place = np.unique(hashes[others], return_inverse=True)
    lowest = np.full(len(known), np.iinfo(np.int64).max)
    highest = np.full(len(known), -1)
    np.minimum.at(lowest, place, class_index[others])
    np.maximum.at(highest, place, class_index[others])
    asked, own = hashes[split.test], class_index[split.test]
    at = np.minimum(np.searchsorted(known, asked), len(known) - 1)
    is_twin = known[at] == asked
    differs = is_twin & ((lowest[at] != own) | (highest[at] != own))
    return FoundTwins(
        test_rows=len(asked),
        rows=int(is_twin.sum()),
        other_label=int(differs.sum()),
        but_for=tuple(c.name for c in columns if c.name in but_for),
        is_whole=is_whole,
    )


def row_hashes(
    features: Features, columns: Sequence[Column], *, but_for: Collection[str] = ()
) -> _Hashes:
    """64 bits of every row, (n,): equal for equal cells, and within this process alone."""
    hashes = np.zeros(len(features), dtype=np.uint64)
    for column, at in placed(columns):
        if column.name in but_for:
            continue
        if not column.is_text:
            bits = _bits(features.numeric[:, at])
        else:
            codes: dict[str, int] = {}
            cells = features.categorical[:, at].tolist()
            bits = np.array([codes.setdefault(c, len(codes)) for c in cells], dtype=np.uint64)
        hashes = _mixed(hashes, bits)
    return hashes


def _bits(values: npt.NDArray[np.float32]) -> _Hashes:
    # Both zeros are equal, and so is every gap.
    plain = np.where(np.isnan(values), np.float32(np.nan), values + np.float32(0))
    return plain.astype(np.float32).view(np.uint32).astype(np.uint64)


def _mixed(hashes: _Hashes, bits: _Hashes) -> _Hashes:
    """SplitMix64 (Steele et al. 2014), a step for each column."""
    z = (hashes ^ bits) + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
