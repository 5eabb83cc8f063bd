import difflib
from types import SimpleNamespace

import pytest

import service.nearest as nearest_module
from service.nearest import did_you_mean, listed, nearest, there_are

KNOWN = ("bill_length_mm", "bill_depth_mm", "island", "Churn")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("bill_lenght_mm", "bill_length_mm"),
        ("churn", "Churn"),
        ("bill-depth mm", "bill_depth_mm"),
        (" Island ", "island"),
        ("colour", None),
        ("", None),
        ("chrun", "Churn"),
    ],
)
def test_nearest_name_is_found_if_it_is_close(name: str, meant: str | None) -> None:
    assert nearest(name, KNOWN) == meant


def test_letters_that_changed_places_come_before_other_slips() -> None:
    assert nearest("stpe", ["step", "stop"]) == nearest("stpe", ["stop", "step"]) == "step"


def test_names_too_long_to_compare_have_none() -> None:
    assert nearest("x" * 101, ["x" * 101]) is None


def test_only_the_first_of_very_many_names_are_looked_at() -> None:
    assert nearest("name_20000", (f"name_{i:05}" for i in range(30_000))) != "name_20000"


def test_sentence_ends_with_the_nearest_name_or_not_at_all() -> None:
    assert did_you_mean("churn", KNOWN) == '; did you mean "Churn"?'
    assert did_you_mean("colour", KNOWN) == ""


def test_of_many_names_the_nearest_is_found_by_a_few_comparisons(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared: list[str] = []

    def counted(name: str, candidates: list[str], n: int, cutoff: float) -> list[str]:
        compared.extend(candidates)
        return difflib.get_close_matches(name, candidates, n, cutoff)

    monkeypatch.setattr(nearest_module, "difflib", SimpleNamespace(get_close_matches=counted))
    pixels = [f"pixel_{row}_{column}" for row in range(28) for column in range(28)]

    assert nearest("pxel_27_13", pixels) == "pixel_27_13"
    assert len(compared) <= 3


def test_few_names_are_listed_whole_and_many_with_their_number() -> None:
    assert listed(["a", "b"]) == "a, b"
    assert listed([]) == "none"
    assert (
        listed([str(number) for number in range(100)]) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 90 more"
    )


def test_sentence_ends_with_what_there_is_and_the_nearest() -> None:
    assert there_are("chrun", ["island", "Churn"]) == (
        '; there are: island, Churn; did you mean "Churn"?'
    )
    assert there_are("x", []) == "; there are: none"
