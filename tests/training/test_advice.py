"""Advice is a change: another value than the one that is set, in the direction that it names."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.training.test_verdict import CELLS, GOOD
from training.advice import Change, bounded, larger, offered, restrained, unvanished
from training.arguments import given_settings, parsed
from training.config import RunConfig
from training.plan import settled
from training.verdict import decide


@st.composite
def configs(draw: st.DrawFn) -> RunConfig:
    hidden = draw(st.lists(st.sampled_from([1, 8, 9, 64, 40_000, 65_536]), min_size=1, max_size=3))
    rates = st.sampled_from([0.0, 0.1, 0.25, 0.3, 0.5, 0.6, 0.8, 0.9])
    config = RunConfig(
        dataset="digits",
        hidden=tuple(hidden),
        dropout=tuple(draw(st.lists(rates, min_size=len(hidden), max_size=len(hidden)))),
        activation=draw(st.sampled_from(["relu", "leaky_relu", "tanh"])),
        batch_normalisation=draw(st.booleans()),
        learning_rate=draw(st.sampled_from([None, 1e-4, 0.02, 0.3])),
        weight_decay=draw(st.sampled_from([None, 0.0, 0.0003, 0.01, 0.5])),
        max_norm=draw(st.sampled_from([None, 0.5, 2.0, 3.0])),
    )
    return settled(config.resolved(), 1200)


def _asked_for(advice: str) -> dict[str, Any]:
    """The settings of advice that is a flag with its value, as the command line reads it."""
    if not advice.startswith("--") or advice.startswith("--ignore"):
        return {}
    return given_settings(parsed(["fit", *advice.split()]), RunConfig)


@given(cell=st.sampled_from(CELLS), config=configs())
def test_verdict_offers_nothing_that_is_set(
    cell: tuple[int, dict[str, Any]], config: RunConfig
) -> None:
    _, changed = cell
    verdict, finding = decide(replace(GOOD, **changed), config)

    assert bool(finding.advice) == (verdict != "well fitted")
    for advice in finding.advice:
        asked = _asked_for(advice)
        wanted = RunConfig.model_validate(config.model_dump() | asked).resolved()
        assert all(getattr(wanted, name) != getattr(config, name) for name in asked), advice


@given(config=configs())
def test_restraint_never_loosens_and_room_never_shrinks(config: RunConfig) -> None:
    def wanted(change: Any) -> RunConfig:
        return config.model_copy(update={change.setting: change.value})

    for change in restrained(config):
        assert isinstance(change, Change)
        assert _restraint(wanted(change), change.setting) >= _restraint(config, change.setting)
    for change in larger(config):
        assert isinstance(change, Change)
        assert _restraint(wanted(change), change.setting) <= _restraint(config, change.setting)


def _restraint(config: RunConfig, setting: str) -> list[float]:
    value = getattr(config, setting)
    if setting == "dropout":
        return [max(value) if isinstance(value, tuple) else value]
    if setting == "weight_decay":
        return [value or 0.0]
    return [-width for width in value] if setting == "hidden" else [-value]


HELD = RunConfig(dataset="digits", weight_decay=0.01, max_norm=2).resolved()


def test_nothing_else_to_try_is_told_as_that() -> None:
    config = RunConfig(dataset="digits", batch_normalisation=True).resolved()

    assert offered(unvanished(config), config) == (
        "more rows, or other features: what would be tried next is set already",
    )


def test_change_that_lies_between_the_chosen_and_a_tried_value_is_not_offered() -> None:
    assert "--dropout 0.25" in offered(larger(HELD), HELD)
    assert "--dropout 0.25" not in offered(larger(HELD), HELD, [{"dropout": 0.1}])


def test_bound_on_weights_that_is_set_is_halved() -> None:
    assert bounded(HELD).value == 1
