"""One release, one number: wherever it is written, it is that of service.VERSION."""

import os
import re
import shutil
import subprocess
import sys
import tomllib

import pytest

from service import VERSION
from tests.service_process import ROOT


def _headings() -> list[str]:
    return re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)


def test_package_and_images_have_the_number_of_the_code() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    dockerfile = (ROOT / "deploy/Dockerfile").read_text()

    assert project["version"] == VERSION
    assert re.findall(r"^ARG VERSION=(.*)$", dockerfile, re.MULTILINE) == [VERSION]
    assert dockerfile.count('org.opencontainers.image.version="$VERSION"') == 2
    assert "VERSION" not in re.findall(
        r"^ +([A-Z_]+):", (ROOT / "docker-compose.yml").read_text(), re.MULTILINE
    )


def test_changelog_has_what_is_unreleased_first_and_then_this_release_with_its_day() -> None:
    unreleased, latest, *earlier = _headings()

    assert unreleased == "Unreleased"
    assert re.fullmatch(rf"{re.escape(VERSION)} - \d{{4}}-\d\d-\d\d", latest)
    assert all(re.fullmatch(r"\d+\.\d+\.\d+ - \d{4}-\d\d-\d\d", heading) for heading in earlier)


@pytest.mark.parametrize("program", ["service", "training"])
def test_programs_say_their_version(program: str) -> None:
    said = subprocess.run(
        [sys.executable, "-m", program, "--version"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert said.stdout == f"mlpserve {VERSION}\n"


@pytest.mark.skipif(shutil.which("awk") is None, reason="awk is not installed")
def test_message_of_the_tag_is_the_section_of_the_release_alone() -> None:
    (line,) = re.findall(r"\$ (awk .*) > ", (ROOT / "RELEASING.md").read_text())

    said = subprocess.run(
        ["/bin/sh", "-c", line],
        cwd=ROOT,
        env={**os.environ, "V": VERSION},
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert re.findall(r"^## (\S+)", said, re.MULTILINE) == [VERSION]
    assert len(said.splitlines()) > 10
