"""Evidence of a version that was never trained: a shipped manifest and random arrays."""

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from service.model_repository.manifest import ClassScores, Label, Manifest, parse_manifest
from training.report.evidence import Evidence
from training.worth import UncertaintyEvidence

MODELS = Path(__file__).parents[3] / "models"
ROWS = 200

Draw = Callable[[Manifest], Evidence]
Relabel = Callable[[Manifest, Sequence[Label]], Manifest]


@pytest.fixture(scope="session")
def digits() -> Manifest:
    """64 numeric features, 10 classes, calibrated, no uncertainty."""
    return parse_manifest((MODELS / "digits/1/manifest.json").read_bytes())


@pytest.fixture(scope="session")
def penguins() -> Manifest:
    """7 features, two of them text, 3 classes, calibrated, with dropout masks."""
    return parse_manifest((MODELS / "penguins/1/manifest.json").read_bytes())


@pytest.fixture(scope="session")
def draw() -> Draw:
    """Evidence that fits a manifest; most of its predictions are right."""
    return _evidence


@pytest.fixture(scope="session")
def relabel() -> Relabel:
    """The manifest with these classes."""
    return _relabelled


def _evidence(manifest: Manifest) -> Evidence:
    generator = np.random.default_rng(0)
    classes, widths = len(manifest.labels), manifest.network.widths
    class_index = generator.integers(0, classes, ROWS)
    probabilities = generator.dirichlet(np.ones(classes), ROWS)
    probabilities[np.arange(ROWS), class_index] += 0.3
    spread = generator.random((3, ROWS)) * 0.2
    return Evidence(
        manifest=manifest,
        probabilities=probabilities / probabilities.sum(axis=1, keepdims=True),
        class_index=class_index,
        weights=tuple(generator.normal(size=(b, a)) for a, b in itertools.pairwise(widths)),
        hidden=tuple(np.maximum(generator.normal(size=(50, w)), 0) for w in widths[1:-1]),
        uncertainty=UncertaintyEvidence(spread[0], spread[0] > 0.15, spread[1], spread[2] * 2)
        if manifest.uncertainty
        else None,
    )


def _relabelled(manifest: Manifest, labels: Sequence[Label]) -> Manifest:
    test = manifest.scores.test.model_copy(
        update={
            "per_class": tuple(
                ClassScores(label=label, precision=0.5, recall=0.5, f1=0.5, rows=3)
                for label in labels
            )
        }
    )
    scores = manifest.scores.model_copy(update={"test": test})
    return manifest.model_copy(update={"labels": tuple(labels), "scores": scores})
