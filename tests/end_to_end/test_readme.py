"""What the README shows is what happens."""

import json
import re
import shlex
import shutil
import subprocess

import pytest

from tests.end_to_end.conftest import Serve
from tests.service_process import ROOT


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_readmes_curl_gets_the_readmes_answer(serve: Serve) -> None:
    readme = (ROOT / "README.md").read_text()
    shown = re.search(
        r"test_readme\.py -->\n```console\n\$ (.*?)```\n```json\n(.*?)```", readme, re.DOTALL
    )
    assert shown is not None
    command, expected = shown[1], json.loads(shown[2])
    base_url = str(serve(ROOT / "models").base_url).removeprefix("http://")

    done = subprocess.run(
        shlex.split(command.replace("localhost:8000", base_url)),
        capture_output=True,
        text=True,
        check=True,
    )

    answer = json.loads(done.stdout)
    for found, stated in zip(
        answer["predictions"][0].pop("top"), expected["predictions"][0].pop("top"), strict=True
    ):
        assert found["label"] == stated["label"]
        assert abs(found["probability"] - stated["probability"]) < 1e-5
    assert (
        abs(
            answer["predictions"][0].pop("probability")
            - expected["predictions"][0].pop("probability")
        )
        < 1e-5
    )
    assert answer == expected


def test_readme_and_help_name_every_make_target() -> None:
    makefile = (ROOT / "Makefile").read_text()

    targets = re.search(r"^\.PHONY: (.*)$", makefile.replace("\\\n", ""), re.MULTILINE)
    assert targets is not None
    explained = re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE)
    assert sorted(targets[1].split()) == sorted(explained)


def test_version_is_the_same_everywhere() -> None:
    pyproject = (ROOT / "pyproject.toml").read_text()
    package = (ROOT / "service/__init__.py").read_text()

    assert re.search(r'^version = "(.*)"', pyproject, re.M)[1] in package  # type: ignore[index]
