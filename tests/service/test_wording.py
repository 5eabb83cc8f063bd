"""Text of unknown origin on one line, and of bounded length."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.wording import escaped, shortened


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a b", "a b"),
        ("a\nb", r"a\nb"),
        ("\x1b[0m", r"\x1b[0m"),
        ("é大", "é大"),
        ("\ud800", r"\ud800"),
    ],
    ids=repr,
)
def test_only_what_cannot_be_printed_is_escaped(text: str, line: str) -> None:
    assert escaped(text) == line


@given(text=st.text())
def test_any_text_becomes_one_line(text: str) -> None:
    assert len(f"x{escaped(text)}".splitlines()) == 1


def test_long_text_keeps_its_ends() -> None:
    assert shortened("a" * 10 + "b" * 1000 + "c" * 10, 20) == f"{'a' * 10} ... {'c' * 10}"
    assert shortened("a" * 20, 20) == "a" * 20
