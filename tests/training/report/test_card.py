"""What the card says, and that it says nothing of what it does not know."""

import html
import json
import re
from collections.abc import Callable

import pytest

from service.model_repository.manifest import Manifest
from service.model_repository.provenance import (
    CalibrationTest,
    Diagnosis,
    Finding,
    Grouping,
    LearningCurvePoint,
    SetMeasure,
    Uncertainty,
)
from service.model_repository.signature import NumberFormat
from training.intervals import of_share
from training.report.card import card_md
from training.report.evidence import Evidence
from training.report.files import report_files

Draw = Callable[[Manifest], Evidence]
Relabel = Callable[..., Manifest]
ABSENT = {
    "schema_version": 2,
    "selection": None,
    "diagnosis": None,
    "calibration": None,
    "uncertainty": None,
    "learning_curve": (),
}


def _card(draw: Draw, manifest: Manifest) -> str:
    return card_md(draw(manifest), [])


def test_findings_come_with_their_numbers_and_advice(digits: Manifest, draw: Draw) -> None:
    finding = Finding(name="gap", sentence="It overfits", numbers={"gap": 0.25}, advice=("--x 1",))
    found = Diagnosis(verdict="overfitting", findings=(finding,))

    card = _card(draw, digits.model_copy(update={"diagnosis": found}))

    assert "## Diagnosis: overfitting\n\n- It overfits (gap 0.25) Try: --x 1." in card


def test_coverage_is_told_with_its_threshold(digits: Manifest, draw: Draw) -> None:
    assert digits.calibration is not None
    threshold = digits.calibration.thresholds[89]

    assert f"every label of probability {threshold:.3g} or more" in _card(draw, digits)


def test_card_says_what_an_empty_set_is(digits: Manifest, draw: Draw) -> None:
    card = _card(draw, digits)

    assert "A set is empty where no label is that probable" in card
    assert "no class is near" not in card


def test_sets_that_are_never_empty_are_told_with_what_they_came_to(
    digits: Manifest, draw: Draw
) -> None:
    assert digits.calibration is not None
    measure = SetMeasure(
        percent=90, coverage=0.972, mean_size=1.25, coverage_with_empty=0.913, empty=0.07
    )
    calibration = digits.calibration.model_copy(
        update={
            "first_thresholds": (0.25,) * 99,
            "class_percents": (90, 95),
            "class_thresholds": ((0.1,) * 10, (0.1,) * 8 + (0.0,) * 2),
            "test": CalibrationTest(rows=359, calibration_error=0.0123, sets=(measure,)),
        }
    )

    card = _card(draw, digits.model_copy(update={"calibration": calibration}))

    assert "the most probable label, and every other of probability 0.25 or more" in card
    assert "At 95 % 2 of 10 classes had too few rows" in card
    assert "On 359 test rows" in card
    assert "| 90 % | 97.2% | 1.25 | 91.3% | 7.0% |" in card


def test_class_balance_is_a_table(penguins: Manifest, draw: Draw) -> None:
    row = penguins.table.class_balance[0]

    card = _card(draw, penguins)

    assert f"| {row.label} | {row.training} | {row.validation} | {row.test} |" in card


def test_ranking_scores_are_told_where_they_were_measured(penguins: Manifest, draw: Draw) -> None:
    measured = {"majority": 0.4412, "roc_auc": 0.9871, "average_precision": 0.9654}
    test = penguins.scores.test.model_copy(update=measured)
    before = test.model_copy(update=dict.fromkeys(measured))
    scores = penguins.scores.model_copy(update={"test": test, "validation": before})

    card = _card(draw, penguins.model_copy(update={"scores": scores}))

    validation, test_line = (f"{s.rows} | {s.accuracy:.4f}" for s in (before, test))
    test_line += f" | {of_share(test.accuracy, test.rows)}"
    assert f"| validation | {validation} |  |  | {before.log_loss:.4f} |  |  |" in card
    assert f"| test | {test_line} | 0.4412 | {test.log_loss:.4f} | 0.9871 | 0.9654 |" in card


def test_what_is_cut_off_is_counted(digits: Manifest, draw: Draw, relabel: Relabel) -> None:
    card = _card(draw, relabel(digits, [f"c{i}" for i in range(150)]))

    assert "and 100 more classes" in card
    assert "and 24 more features" in card


def test_limits_name_weak_classes_and_unused_features(digits: Manifest, draw: Draw) -> None:
    test = digits.scores.test
    weak = test.per_class[0].model_copy(update={"f1": 0.25})
    scores = digits.scores.model_copy(
        update={"test": test.model_copy(update={"per_class": (weak, *test.per_class[1:])})}
    )
    few = digits.table.class_balance[1].model_copy(update={"training": 7})
    balance = (digits.table.class_balance[0], few, *digits.table.class_balance[2:])
    table = digits.table.model_copy(update={"class_balance": balance})

    card = _card(draw, digits.model_copy(update={"scores": scores, "table": table}))

    limits = card.split("## Limits")[1]
    assert "Class 0 is recognised badly: F1 0.250" in limits
    assert "Class 1 had 7 rows to learn from" in limits
    assert "does not look at 3 of the 64 features" in limits
    assert all(note.replace("_", "\\_") in limits for note in digits.table.notes)


def test_what_may_be_missing_is_told(digits: Manifest, penguins: Manifest, draw: Draw) -> None:
    card = _card(draw, digits)

    assert "without one of 61 of the 64 features" in card
    assert "| pixel\\_0\\_1 | number | 0 to 8 | 0.0% | no |" in card
    mixed = _card(draw, penguins)
    assert "without one of 2 of the 7 features" in mixed
    assert "| sex | category | female, male | 3.1% | yes |" in mixed


@pytest.mark.parametrize("name", ["digits", "penguins"])
def test_a_card_of_schema_2_has_no_heading_of_what_is_absent(
    request: pytest.FixtureRequest, draw: Draw, name: str
) -> None:
    manifest = request.getfixturevalue(name).model_copy(update=ABSENT)

    files = report_files(draw(manifest), html=True)

    card = files["card.md"].decode()
    for words in ("Diagnosis", "was chosen", "uncertainty is worth", "more rows", "temperature"):
        assert words not in card
    absent = {"selection", "uncertainty", "learning-curve"}
    assert not {f"plots/{plot}.svg" for plot in absent} & set(files)


@pytest.mark.parametrize("part", [part for part in ABSENT if part != "schema_version"])
def test_each_part_may_be_absent_alone(penguins: Manifest, draw: Draw, part: str) -> None:
    whole = penguins.model_copy(
        update={
            "learning_curve": (LearningCurvePoint(rows=9, log_losses=(0.5,), accuracies=(0.5,)),)
        }
    )

    files = report_files(draw(whole.model_copy(update={part: ABSENT[part]})), html=True)

    assert {"card.md", "report.html"} <= set(files)


def test_uncertainty_without_fifths_is_told_by_its_separation(
    penguins: Manifest, draw: Draw
) -> None:
    worth = Uncertainty(masks=8, rows=4, error_by_quintile=(), separation=0.75)

    assert "probability 0.75" in _card(draw, penguins.model_copy(update={"uncertainty": worth}))


def test_example_of_many_features_is_a_list_and_of_few_an_object(
    digits: Manifest, penguins: Manifest, draw: Draw
) -> None:
    def example(manifest: Manifest) -> object:
        found = re.search(r"-d '(.*)'", _card(draw, manifest))
        assert found is not None
        return json.loads(found[1].replace("'\\''", "'"))["instances"][0]

    row = penguins.golden.rows[0]
    assert example(digits) == list(digits.golden.rows[0])
    assert example(penguins) == dict(zip(penguins.signature.names, row, strict=True))


def test_features_are_told_with_their_kind_and_how_the_table_wrote_them(
    penguins: Manifest, draw: Draw
) -> None:
    signature = penguins.signature
    number = next(feature for feature in signature.features if feature.dtype == "float32")
    written = number.model_copy(update={"written": NumberFormat(currency="$", separators=True)})
    features = [written if one is number else one for one in signature.features]
    changed = signature.model_copy(update={"features": tuple(features), "left_out": ("id", "note")})

    card = _card(draw, penguins.model_copy(update={"signature": changed})).replace("\\", "")

    assert "| feature | kind | values |" in card
    assert "| number (1234.5 for $1,234.50) | " in card
    assert "| island | category |" in card
    assert "Columns of the table that are no features: id, note." in card


def test_scores_carry_intervals(penguins: Manifest, draw: Draw) -> None:
    test = penguins.scores.test
    accuracy = test.model_copy(update={"rows": 69, "accuracy": 68 / 69})
    scores = penguins.scores.model_copy(update={"test": accuracy})

    card = _card(draw, penguins.model_copy(update={"scores": scores}))

    assert "Accuracy 0.9855 (95 % interval 0.92 to 1.00) and log-loss" in card
    assert "| test | 69 | 0.9855 | 0.92 to 1.00 |" in card
    assert "its accuracy on many more may be anything from 0.92 to 1.00" in card
    first = test.per_class[0]
    recall = f"{first.recall:.3f} | {of_share(first.recall, first.rows)}"
    assert f"| {first.label} | {first.precision:.3f} | {recall} | {first.f1:.3f} |" in card


def test_intervals_of_grouped_rows_are_said_to_be_too_narrow(
    penguins: Manifest, draw: Draw
) -> None:
    table = penguins.table.model_copy(update={"groups": Grouping(column="nest", count=40)})

    assert "those of one nest are alike" not in _card(draw, penguins)
    assert "those of one nest are alike" in _card(
        draw, penguins.model_copy(update={"table": table})
    )


def test_settings_come_last_rounded_and_without_nulls(digits: Manifest, draw: Draw) -> None:
    given = {"learning_rate": 0.012345678, "dropout": [0.123456, 0.5], "group": None, "numeric": []}

    card = _card(draw, digits.model_copy(update={"settings": given}))

    assert card.rindex("## ") == card.index("## Settings")
    assert card.endswith("| learning\\_rate | 0.01235 |\n| dropout | \\[0.1235, 0.5\\] |\n")


def test_every_picture_has_one_caption_that_says_what_to_look_for(
    penguins: Manifest, draw: Draw
) -> None:
    files = report_files(draw(penguins), html=True)

    card, page = files["card.md"].decode(), files["report.html"].decode()
    pictures = re.findall(r"!\[([^\]]+)\]\(plots/[a-z-]+\.svg\)\n\n\*(Look [^*\n]+)\*\n", card)
    assert len(pictures) == sum(name.endswith(".svg") for name in files)
    assert len({look for _, look in pictures}) == len(pictures)
    for shows, look in pictures:
        assert page.count(f'aria-label="{html.escape(shows)}"') == 1
        assert page.count(f"<figcaption>{html.escape(look)}</figcaption>") == 1
