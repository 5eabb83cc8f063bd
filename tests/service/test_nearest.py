import pytest

from service.nearest import did_you_mean, nearest

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
    ],
)
def test_nearest_name_is_found_if_it_is_close(name: str, meant: str | None) -> None:
    assert nearest(name, KNOWN) == meant


def test_names_too_long_to_compare_have_none() -> None:
    assert nearest("x" * 101, ["x" * 101]) is None


def test_only_the_first_of_very_many_names_are_looked_at() -> None:
    assert nearest("name_20000", (f"name_{i:05}" for i in range(30_000))) != "name_20000"


def test_sentence_ends_with_the_nearest_name_or_not_at_all() -> None:
    assert did_you_mean("churn", KNOWN) == '; did you mean "Churn"?'
    assert did_you_mean("colour", KNOWN) == ""
