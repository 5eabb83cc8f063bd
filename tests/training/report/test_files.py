"""What a version is published with: pictures, a card, one page."""

import itertools
import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from service.model_repository.layout import PICTURES
from service.model_repository.manifest import ClassScores, Manifest, parse_manifest
from service.model_repository.provenance import LearningCurvePoint, Selection, SettingScore
from training.report.evidence import Evidence
from training.report.files import _PICTURES, report_files
from training.worth import UncertaintyEvidence

MODELS = Path(__file__).parents[3] / "models"
OPTIONAL = ("selection", "uncertainty", "learning-curve")


def _manifest(name: str) -> Manifest:
    return parse_manifest((MODELS / name / "1/manifest.json").read_bytes())


def _evidence(manifest: Manifest) -> Evidence:
    generator = np.random.default_rng(0)
    classes, widths = len(manifest.labels), manifest.network.widths
    return Evidence(
        manifest=manifest,
        probabilities=generator.dirichlet(np.ones(classes), 200),
        class_index=generator.integers(0, classes, 200),
        weights=tuple(generator.normal(size=(b, a)) for a, b in itertools.pairwise(widths)),
        hidden=tuple(np.maximum(generator.normal(size=(50, w)), 0) for w in widths[1:-1]),
        uncertainty=UncertaintyEvidence(*(generator.random((4, 200))))
        if manifest.uncertainty
        else None,
    )


def _setting(value: float, mean: float | None) -> SettingScore:
    losses = () if mean is None else (mean, mean)
    return SettingScore(
        values={"dropout": value, "hidden": [64, 64]},
        parameter_count=100,
        log_losses=losses,
        accuracies=tuple(0.9 for _ in losses),
        best_epochs=tuple(3 for _ in losses),
        mean_log_loss=mean,
        standard_error=None if mean is None else 0.01,
        ended=None if mean is not None else "diverged",
    )


@pytest.fixture(scope="module")
def whole() -> Evidence:
    """A manifest that has everything a manifest can have."""
    manifest = _manifest("penguins").model_copy(
        update={
            "selection": Selection(
                folds=2,
                search="grid",
                settings=(_setting(0.1, 0.3), _setting(0.5, 0.2), _setting(0.9, None)),
                best=1,
                chosen=0,
            ),
            "learning_curve": (
                LearningCurvePoint(rows=20, log_losses=(0.5, 0.6), accuracies=(0.8, 0.7)),
                LearningCurvePoint(rows=200, log_losses=(0.2, 0.3), accuracies=(0.9, 0.9)),
            ),
        }
    )
    return _evidence(manifest)


def test_everything_there_is_is_drawn_and_shown(whole: Evidence) -> None:
    files = report_files(whole, html=False)

    card = files.pop("card.md").decode()
    for name, svg in files.items():
        assert ET.fromstring(svg).tag.endswith("svg")  # noqa: S314 - made above
        assert len(svg) < 100_000
        assert f"]({name})" in card
    assert {f"plots/{name}.svg" for name in OPTIONAL} <= set(files)


def test_best_epoch_is_marked(whole: Evidence) -> None:
    svg = report_files(whole, html=False)["plots/losses.svg"].decode()

    assert 'id="best-epoch"' in svg
    assert f"best epoch: {whole.manifest.history.best_epoch}" in svg


def test_same_evidence_gives_the_same_bytes(whole: Evidence) -> None:
    assert report_files(whole, html=True) == report_files(whole, html=True)


def test_what_is_not_there_leaves_no_trace() -> None:
    bare = _manifest("digits").model_copy(update={"calibration": None, "diagnosis": None})

    files = report_files(_evidence(bare), html=False)

    assert not {f"plots/{name}.svg" for name in OPTIONAL} & set(files)
    card = files["card.md"].decode()
    for heading in ("Diagnosis", "How it was chosen", "uncertainty is worth", "more rows"):
        assert heading not in card


def test_page_needs_nothing_from_outside_and_repeats_no_id(whole: Evidence) -> None:
    page = report_files(whole, html=True)["report.html"].decode()

    assert "<script" not in page
    assert not re.search(r"""(?:src|href)=["'](?!#)""", page)
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    for target in re.findall(r'(?:href="#|url\(#)([^")]+)', page):
        assert target in ids


def test_hostile_names_stay_text(whole: Evidence) -> None:
    names = ("<script>alert(1)</script>", "a|b\n# c", "$x_1$ `code`")
    scores = whole.manifest.scores
    test = scores.test.model_copy(
        update={
            "per_class": tuple(
                ClassScores(label=name, precision=0.5, recall=0.5, f1=0.5, rows=3) for name in names
            )
        }
    )
    manifest = whole.manifest.model_copy(
        update={"labels": names, "scores": scores.model_copy(update={"test": test})}
    )

    files = report_files(replace(whole, manifest=manifest), html=True)

    card, page = files["card.md"].decode(), files["report.html"].decode()
    assert "<script" not in card
    assert "<script" not in page
    assert "| a\\|b \\# c |" in card
    svg = ET.fromstring(files["plots/classes.svg"])  # noqa: S314 - made above
    texts = [text for element in svg.iter() if (text := element.text)]
    assert "$x_1$ `code`" in texts


@pytest.mark.parametrize("classes", [2, 150])
def test_any_number_of_classes_is_drawn(whole: Evidence, classes: int) -> None:
    labels = tuple(f"class {i}" for i in range(classes))
    generator = np.random.default_rng(1)
    evidence = replace(
        whole,
        manifest=whole.manifest.model_copy(update={"labels": labels}),
        probabilities=generator.dirichlet(np.ones(classes), 300),
        class_index=generator.integers(0, classes, 300),
    )

    svg = report_files(evidence, html=False)["plots/confusion.svg"]

    assert len(svg) < 150_000


def test_example_of_the_card_is_a_body_that_the_service_takes(whole: Evidence) -> None:
    card = report_files(whole, html=False)["card.md"].decode()

    found = re.search(r"-d '(.*)'", card)
    assert found is not None
    body = json.loads(found[1])
    assert set(body["instances"][0]) == set(whole.manifest.signature.names)
    assert body["coverage"] == 0.9
    assert body["uncertainty"] is True


def test_every_picture_is_one_that_the_service_knows() -> None:
    assert {f"{name}.svg" for name in _PICTURES} == set(PICTURES)
