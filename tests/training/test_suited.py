"""What a fit takes where nothing is said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.config import RunConfig
from training.suited import Size, suited

MIDDLING = Size(rows=1200, classes=10, numbers=64)


def test_few_rows_are_fitted_as_the_textbook_does() -> None:
    config = RunConfig()

    found = suited(config, Size(rows=499, classes=3, numbers=4))

    assert found.config == config
    assert found.note is None


@pytest.mark.parametrize(
    ("size", "hidden", "bins"),
    [
        (Size(500, 2, 20), (128,), 8),
        (Size(2000, 2, 20), (128,), 16),
        (Size(10_000, 2, 20), (256, 256), 16),
        (Size(10_000, 10, 784), (256, 256), 0),
        (Size(500, 2, 0), (128,), 0),
        (Size(1_000_000, 2, 20, is_streamed=True), (256, 256), 0),
    ],
)
def test_more_rows_are_fitted_with_more(size: Size, hidden: tuple[int, ...], bins: int) -> None:
    config = suited(RunConfig(), size).config

    assert (config.hidden, config.numeric_bins) == (hidden, bins)
    assert (config.optimiser, config.schedule, config.epochs) == ("adamw", "cosine", 100)


def test_note_says_what_was_chosen_as_flags_and_why() -> None:
    assert suited(RunConfig(), MIDDLING).note == (
        "chosen for 1,200 training rows, 64 numbers and 10 classes: --hidden 128 --optimiser adamw "
        "--schedule cosine --epochs 100 --numeric-bins 8"
    )


def test_dropout_is_that_of_the_table_whatever_the_widths() -> None:
    size = Size(20_000, 3, 20)

    wider = suited(RunConfig(hidden=(512, 512)), size).config

    assert wider.dropout == suited(RunConfig(), size).config.dropout == (0.25,)


def test_sgd_that_was_asked_for_keeps_its_own_schedule_and_epochs() -> None:
    config = suited(RunConfig(optimiser="sgd"), MIDDLING).config

    assert (config.optimiser, config.schedule, config.epochs) == ("sgd", "constant", 300)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "hidden": st.sampled_from([(8,), (32, 32)]),
            "optimiser": st.sampled_from(["sgd", "adamw"]),
            "schedule": st.sampled_from(["constant", "linear"]),
            "epochs": st.integers(1, 1000),
            "numeric_bins": st.integers(0, 256),
            "dropout": st.sampled_from([(0.0,), (0.7,)]),
        },
    ),
    st.integers(1, 10**7),
)
def test_what_was_said_stays(said: dict[str, object], rows: int) -> None:
    config = suited(RunConfig.model_validate(said), Size(rows, 3, 20)).config

    assert {name: getattr(config, name) for name in said} == said
