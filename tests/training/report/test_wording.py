"""Names from tables: nothing in them breaks a picture, a card or a page."""

import html
import re
from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.model_repository.manifest import Manifest
from training.report import answers
from training.report.evidence import Evidence
from training.report.files import report_files
from training.report.wording import shortened, visible

Draw = Callable[[Manifest], Evidence]
Relabel = Callable[..., Manifest]
HOSTILE = {
    "script": "<script>x</script>",
    "mathtext": "$x_1$ \\alpha",
    "attribute": 'id="x" url(#y)',
    "comment": "--> <!-- x",
    "entity": "&lt;b&gt; &amp;",
    "scripts of the world": "Größe 猫 🙂",
    "font": "font-family: 'x'",
    "numbers": 'd="1.23456"',
}


@pytest.mark.parametrize("label", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_label_is_legible_in_the_picture_the_card_and_the_page(
    penguins: Manifest, draw: Draw, relabel: Relabel, label: str
) -> None:
    files = report_files(draw(relabel(penguins, [label, "b", "c"])), html=True)

    root = ET.fromstring(files["plots/classes.svg"])  # noqa: S314 - drawn above
    assert label in [element.text for element in root.iter()]
    card, page = files["card.md"].decode(), files["report.html"].decode()
    assert "<script" not in card + page
    assert f"<td>{html.escape(label)}</td>" in page
    # Once in each of two pictures' y axes and one's x axis, as it was given.
    assert page.count(f">{html.escape(label, quote=False)}</text>") == 3
    ids = re.findall(r'<[^<>]+\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("label", ["a\x00b", "\x1b[1m", "x\ufffey", "new\nline | `cell`"])
def test_characters_that_have_no_shape_do_not_break_a_file(
    penguins: Manifest, draw: Draw, relabel: Relabel, label: str
) -> None:
    files = report_files(draw(relabel(penguins, [label, "b", "c"])), html=True)

    for name in files:
        if name.endswith(".svg"):
            ET.fromstring(files[name])  # noqa: S314 - drawn above
    rows = [line for line in files["card.md"].decode().splitlines() if line.endswith("| 3 |")]
    assert len(rows) == 3


def test_labels_that_differ_at_their_ends_are_told_apart(
    penguins: Manifest, draw: Draw, relabel: Relabel
) -> None:
    labels = [f"a name that is much too long for a label {i}" for i in range(3)]

    svg = answers.per_class(draw(relabel(penguins, labels)))

    assert svg is not None
    shown = re.findall(r">(a name[^<]*)<", svg.decode())
    assert len(set(shown)) == 3


@given(st.text())
def test_what_is_visible_fits_into_xml(text: str) -> None:
    root = ET.fromstring(f"<a>{html.escape(visible(text))}</a>")  # noqa: S314 - made here

    assert (root.text or "") == visible(text)


@given(st.text(), st.integers(3, 40))
def test_a_shortened_name_is_no_longer_than_asked(text: str, most: int) -> None:
    assert len(shortened(text, most)) <= most
