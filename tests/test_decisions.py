"""The index of decisions holds each of them, and links lead somewhere."""

import re
from pathlib import Path

import pytest

from tests.service_process import ROOT

DECISIONS = ROOT / "docs/decisions"


def _pages() -> list[Path]:
    folders = (ROOT, ROOT / "docs", DECISIONS)
    return [page for folder in folders for page in sorted(folder.glob("*.md"))]


def test_index_holds_every_decision_by_its_title() -> None:
    indexed = re.findall(
        r"^- \[(.*)\]\((.*)\)$", (DECISIONS / "README.md").read_text(encoding="utf-8"), re.MULTILINE
    )

    found = sorted(DECISIONS.glob("[0-9]*.md"))
    titles = [path.read_text(encoding="utf-8").partition("\n")[0] for path in found]
    assert [(f"# {title}", name) for title, name in indexed] == [
        (title, path.name) for title, path in zip(titles, found, strict=True)
    ]


def test_every_decision_has_a_number_of_its_own() -> None:
    for number, path in enumerate(sorted(DECISIONS.glob("[0-9]*.md")), start=1):
        assert path.name.startswith(f"{number:04}-")
        assert path.read_text(encoding="utf-8").startswith(f"# {number}. ")


@pytest.mark.parametrize("page", _pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_a_page_lead_to_files_that_are_there(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#\s]+)", page.read_text(encoding="utf-8"))

    missing = [target for target in targets if not (page.parent / target).exists()]

    assert missing == []
