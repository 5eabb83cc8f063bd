"""What is said of columns that hold gaps in words, several spellings, or nearly one value."""

import numpy as np
import polars as pl
import pytest

from training.column_notes import column_notes, label_notes
from training.preprocess import learn
from training.tables.columns import typed_columns
from training.tables.counts import counts_of
from training.tables.kinds import Asked


def _notes(**columns: list[str]) -> list[str]:
    typed = typed_columns("t.csv", pl.DataFrame(columns), Asked())
    counts = counts_of(typed.features)
    learned = learn(typed.features, typed.columns, scaling="robust", bins=0, counts=counts)
    return column_notes(typed.columns, learned.summaries, counts, typed.features)


def test_words_that_may_say_a_gap_are_told_once_for_all_columns() -> None:
    notes = _notes(
        job=["a", "b", "?", "unknown"] * 10, home=["x", "y", "z", "?"] * 10, ok=["u", "v"] * 20
    )

    assert notes == [
        (
            "columns 'job', 'home': '?' in 20, 'unknown' in 10 training rows may be gaps, and "
            "stand for a category of their own: --missing '?' unknown takes them as gaps"
        )
    ]


def test_minus_beside_a_plus_is_an_answer() -> None:
    assert _notes(sign=["+", "-"] * 20) == []


def test_spellings_of_one_category_are_told_with_their_rows() -> None:
    notes = _notes(plan=["basic"] * 20 + ["Basic"] * 10 + ["big  box", "Big Box"] * 5 + ["c"] * 5)

    assert notes == [
        (
            "column 'plan' holds categories that differ by case or blanks alone, in so many "
            "training rows: 'basic' (20), 'Basic' (10); 'Big Box' (5), 'big  box' (5); "
            "--fold-case 'plan' takes them for one"
        )
    ]


@pytest.mark.parametrize(("word", "other"), [("1", "2"), ("a", "2"), ("2024-05-31", "2024-06-01")])
def test_column_of_nearly_one_value_is_named(word: str, other: str) -> None:
    cells = [word] * 40
    cells[3] = other

    assert _notes(x=cells, y=["u", "v"] * 20) == [
        (
            f"column 'x' holds {repr(word) if word == 'a' else word} in all but fewer than 5 "
            "training rows: little is to be learned from it; --ignore 'x' leaves it out"
        )
    ]


def test_many_columns_of_nearly_one_value_are_told_in_one_line() -> None:
    cells = ["0"] * 50
    columns = {f"x{i}": [*cells[:i], "1", *cells[i + 1 :]] for i in range(8)}

    notes = _notes(**columns, y=list(map(str, np.arange(50))))

    assert len(notes) == 1
    assert notes[0].startswith("columns 'x0', 'x1', 'x2', 'x3', 'x4' and 3 more hold one value")


def test_labels_that_may_be_one_class_or_none_are_told() -> None:
    assert list(label_notes("churn", ("?", "No", "Yes", "yes"))) == [
        (
            "the target 'churn' holds 'Yes', 'yes', which differ by case or blanks alone, as "
            "classes of their own: mend the file if they are one"
        ),
        "the target 'churn' holds '?' as a class: --missing '?' leaves such rows out",
    ]
    assert list(label_notes("sign", ("+", "-"))) == []
