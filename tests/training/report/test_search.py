"""A search as it is shown: which settings, in which order, with which words."""

from collections.abc import Callable, Mapping
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.model_repository.manifest import Manifest
from service.model_repository.provenance import Selection, SettingScore
from training.report.card import card_md
from training.report.evidence import Evidence
from training.report.ranking import ranked, varied_label
from training.report.search import selection

Draw = Callable[[Manifest], Evidence]


def _setting(
    values: Mapping[str, Any], mean: float | None, ended: str | None = None
) -> SettingScore:
    folds = () if mean is None else (mean, mean)
    return SettingScore(
        values=dict(values),
        parameter_count=100,
        log_losses=folds,
        accuracies=tuple(0.9 for _ in folds),
        best_epochs=tuple(3 for _ in folds),
        mean_log_loss=mean,
        standard_error=None if mean is None else 0.01,
        ended=ended,
    )


def _search(*settings: SettingScore, best: int = 0, chosen: int = 0) -> Selection:
    return Selection(folds=2, search="random", settings=settings, best=best, chosen=chosen)


def _shown(draw: Draw, manifest: Manifest, search: Selection) -> tuple[list[str], str]:
    evidence = draw(manifest.model_copy(update={"selection": search}))
    svg = selection(evidence)
    assert svg is not None
    root = ET.fromstring(svg)  # noqa: S314 - drawn by the test
    return [element.text or "" for element in root.iter()], card_md(evidence, ["selection"])


def test_settings_without_a_result_are_shown_with_the_reason(digits: Manifest, draw: Draw) -> None:
    search = _search(_setting({"rate": 0.1}, 0.3), _setting({"rate": 9.0}, None, "diverged"))

    texts, card = _shown(draw, digits, search)

    assert {"rate=9", "diverged"} <= set(texts)
    assert "| rate=9 |  |  |  | diverged |" in card


def test_a_search_in_which_all_diverged_is_shown(digits: Manifest, draw: Draw) -> None:
    search = _search(*(_setting({"rate": rate}, None, "diverged") for rate in (1.0, 2.0)))

    texts, _ = _shown(draw, digits, search)

    assert {"rate=1", "rate=2"} <= set(texts)


def test_best_and_chosen_are_told_apart(digits: Manifest, draw: Draw) -> None:
    search = _search(_setting({"a": 1}, 0.30), _setting({"a": 2}, 0.29), best=1, chosen=0)

    texts, card = _shown(draw, digits, search)

    assert {"best", "chosen"} <= set(texts)
    assert "| a=2 | 0.2900 | 0.0100 | 0.9000 | best |" in card
    assert "| a=1 | 0.3000 | 0.0100 | 0.9000 | chosen |" in card


def test_the_chosen_setting_is_shown_wherever_it_stands(digits: Manifest, draw: Draw) -> None:
    many = [_setting({"a": i}, 0.1 + i / 100) for i in range(60)]

    texts, card = _shown(draw, digits, _search(*many, chosen=40))

    assert "a=40" in texts
    assert "| a=40 |" in card
    assert "and 40 more settings" in card


def test_a_setting_that_ended_early_is_not_ranked_first() -> None:
    search = _search(_setting({"a": 1}, 0.3), _setting({"a": 2}, 0.1, "given up"))

    assert [one.setting.values["a"] for one in ranked(search, 5)] == [1, 2]


@pytest.mark.parametrize(
    ("values", "label"), [({"a": 1, "b": 2}, "a=1 b=2"), ({"a": 2}, "a=2"), ({}, "as given")]
)
def test_a_label_holds_what_varies_and_what_the_setting_has(
    values: dict[str, int], label: str
) -> None:
    one = _setting(values, 0.3)
    search = _search(one, _setting({"a": 3, "b": 4, "same": 1}, 0.4))

    assert varied_label(one, search, 90) == label


@given(
    means=st.lists(st.none() | st.floats(0, 9), min_size=1, max_size=30),
    most=st.integers(2, 25),
    picks=st.tuples(st.integers(0, 29), st.integers(0, 29)),
)
def test_ranking_shows_no_setting_twice_and_always_the_chosen_one(
    means: list[float | None], most: int, picks: tuple[int, int]
) -> None:
    best, chosen = (place % len(means) for place in picks)
    search = _search(
        *(_setting({"a": place}, mean) for place, mean in enumerate(means)),
        best=best,
        chosen=chosen,
    )

    shown = ranked(search, most)

    places = [one.setting.values["a"] for one in shown]
    assert len(places) == len(set(places)) == min(most, len(means))
    assert {best, chosen} <= set(places)
    assert [one.setting.values["a"] for one in shown if one.is_chosen] == [chosen]
