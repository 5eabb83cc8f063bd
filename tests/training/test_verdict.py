"""Each line of the decision table decides where it should, and the docs print the table."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.config import RunConfig
from training.plan import settled
from training.signs import Signs
from training.verdict import TABLE, decide

CONFIG = settled(RunConfig(dataset="digits").resolved(), 1200)
GOOD = Signs(
    rows=300,
    fewest=100,
    training_loss=0.2,
    validation_loss=0.25,
    guessing=1.0,
    accuracy=0.95,
    training_accuracy=0.96,
    majority=0.4,
    gap=0.05,
    rise=0.02,
    fall=0.01,
    beats_guessing=True,
    vanishing=False,
    dead_layer=False,
    still_learning=False,
    above_guessing=False,
    unmoved=False,
    best_reference="a linear model",
    best_reference_accuracy=0.94,
    reference_beats_guessing=True,
    better_reference=None,
    better_reference_accuracy=0.0,
    lost_classes=(),
    leaks=(),
)
GUESSES = {"beats_guessing": False, "lost_classes": ("rare",), "training_loss": 1.0}
BEHIND = {"better_reference": "nearest neighbours", "better_reference_accuracy": 0.97}
CELLS: list[tuple[int, dict[str, Any]]] = [
    (1, {"rows": 19}),
    (2, {**GUESSES, "dead_layer": True, "vanishing": True}),
    (3, {**GUESSES, "vanishing": True, "still_learning": True}),
    (4, {**GUESSES, "still_learning": True, **BEHIND}),
    (4, {**GUESSES, "unmoved": True, "above_guessing": True}),
    (5, {**GUESSES, "above_guessing": True}),
    (6, {**GUESSES, **BEHIND}),
    (7, {**GUESSES, "reference_beats_guessing": False, "gap": 0.5}),
    (8, {"leaks": ("column 'x' alone predicts the label",), "gap": 0.5, **BEHIND}),
    (9, {"gap": 0.15, "fewest": 49}),
    (9, {"rise": 0.1, "fewest": 49}),
    (10, {"gap": 0.15, **BEHIND}),
    (10, {"rise": 0.1, "lost_classes": ("rare",)}),
    (10, {"validation_loss": 1.0}),
    (11, {**BEHIND, "still_learning": True}),
    (12, {**BEHIND, "training_accuracy": 1.0, "fewest": 49}),
    (13, {**BEHIND, "training_accuracy": 1.0}),
    (14, {**BEHIND, "lost_classes": ("rare",)}),
    (15, {"lost_classes": ("rare",)}),
    (16, {}),
    (16, {"rise": 0.1, "fall": -0.01}),
    (16, {"vanishing": True, "still_learning": True, "fewest": 3}),
]


@pytest.mark.parametrize(("line", "changed"), CELLS, ids=[f"{n}-{c}" for n, c in CELLS])
def test_first_line_that_holds_decides(line: int, changed: dict[str, Any]) -> None:
    verdict, finding = decide(replace(GOOD, **changed), CONFIG)

    assert (verdict, finding.name) == (TABLE[line - 1].verdict, TABLE[line - 1].name)
    assert bool(finding.advice) == (verdict != "well fitted")
    assert next(n for n, r in enumerate(TABLE, 1) if r.holds(replace(GOOD, **changed))) == line


def test_every_line_is_tested() -> None:
    assert {line for line, _ in CELLS} == set(range(1, len(TABLE) + 1))


def test_docs_print_the_table() -> None:
    page = (Path(__file__).parents[2] / "docs/verdict.md").read_text(encoding="utf-8")

    printed = [line for line in page.splitlines() if line.startswith("| ")][1:]

    assert printed[1:] == [
        f"| {number} | {row.when} | {row.verdict} | {row.name} |"
        for number, row in enumerate(TABLE, start=1)
    ]


SHARE = st.floats(0, 3, allow_nan=False)


@given(
    rows=st.integers(1, 100),
    losses=st.tuples(SHARE, SHARE),
    flags=st.tuples(*[st.booleans()] * 5),
    reference=st.sampled_from([None, "a linear model"]),
    lost=st.sampled_from([(), ("c",)]),
    leaks=st.sampled_from([(), ("column 'x'",)]),
)
def test_well_fitted_is_no_fit_that_guesses_lags_leaks_or_loses_a_class(
    rows: int,
    losses: tuple[float, float],
    flags: tuple[bool, ...],
    reference: str | None,
    lost: tuple[str, ...],
    leaks: tuple[str, ...],
) -> None:
    names = ("beats_guessing", "vanishing", "dead_layer", "still_learning", "above_guessing")
    signs = replace(
        GOOD,
        rows=rows,
        training_loss=losses[0],
        validation_loss=losses[1],
        gap=losses[1] - losses[0],
        better_reference=reference,
        lost_classes=lost,
        leaks=leaks,
        **dict(zip(names, flags, strict=True)),  # type: ignore[arg-type]
    )

    verdict, _ = decide(signs, CONFIG)

    if verdict == "well fitted":
        assert rows >= 20
        assert signs.beats_guessing
        assert signs.validation_loss < signs.guessing
        assert (reference, lost, leaks) == (None, (), ())


def test_much_that_is_left_is_told_with_the_praise() -> None:
    verdict, finding = decide(replace(GOOD, validation_loss=0.7, training_loss=0.65), CONFIG)

    assert verdict == "well fitted"
    assert "labels may be noisy" in finding.sentence


@pytest.mark.parametrize(
    ("tried", "dropped", "kept"),
    [
        ([{"hidden": [128]}], "--hidden 128", "--dropout 0.25"),
        ([{"hidden": [32]}, {"hidden": [64, 256]}], "--hidden 128", "--dropout 0.25"),
        ([{"dropout": 0.1}, {"dropout": 0.5}], "--dropout 0.25", "--hidden 128"),
        ([{"learning_rate": 0.01}, {"learning_rate": 0.3}], "--learning-rate 0.06", "--hidden 128"),
    ],
    ids=["the value", "between widths", "between rates", "within a range"],
)
def test_advice_names_nothing_that_the_search_tried(
    tried: list[dict[str, Any]], dropped: str, kept: str
) -> None:
    signs = replace(GOOD, **BEHIND)  # type: ignore[arg-type]
    _, before = decide(signs, CONFIG)
    assert {dropped, kept} <= set(before.advice)

    _, finding = decide(signs, CONFIG, tried)

    assert dropped not in finding.advice
    assert kept in finding.advice


def test_search_that_tried_everything_is_told_to_search_wider() -> None:
    signs = replace(GOOD, **GUESSES, above_guessing=True)  # type: ignore[arg-type]

    _, finding = decide(signs, CONFIG, [{"learning_rate": 0.001}, {"learning_rate": 0.02}])

    assert finding.advice == (
        "a wider --vary: what would be tried next was among what the search tried",
    )
