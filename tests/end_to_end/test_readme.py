"""What the README shows is what happens."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.conftest import Serve
from tests.service_process import ROOT


def _close(found: Any, stated: Any) -> bool:
    """The same JSON, its fractions within 1e-5, and anything where three dots stand."""
    if stated == "...":
        return isinstance(found, str)
    if isinstance(stated, float):
        return bool(abs(found - stated) < 1e-5)
    if isinstance(stated, dict):
        same_keys: bool = found.keys() == stated.keys()
        return same_keys and all(_close(found[key], stated[key]) for key in stated)
    if isinstance(stated, list):
        return len(found) == len(stated) and all(map(_close, found, stated))
    return bool(found == stated)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_every_curl_of_the_readme_gets_the_readmes_answer(serve: Serve) -> None:
    readme = (ROOT / "README.md").read_text()
    shown = re.findall(
        r"test_readme\.py -->\n```console\n\$ (.*?)```\n```json\n(.*?)```", readme, re.DOTALL
    )
    base_url = str(serve(ROOT / "models").base_url).removeprefix("http://")

    for command, stated in shown:
        done = subprocess.run(
            shlex.split(command.replace("localhost:8000", base_url)),
            capture_output=True,
            text=True,
            check=True,
        )
        assert _close(json.loads(done.stdout), json.loads(stated))

    assert len(shown) == readme.count("$ curl")


def test_file_is_asked_by_the_ten_lines_of_the_readme(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text()
    ((program, answer),) = re.findall(
        r"test_readme\.py -->\n```python\n(.*?)```\n```text\n(.*?)```", readme, re.DOTALL
    )
    fit = ["-m", "training", "fit", "--dataset", "iris", "--report", "none", "--threads", "1"]
    fitting = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(
        [sys.executable, *fit], cwd=tmp_path, env=fitting, capture_output=True, check=True
    )

    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert done.stdout == answer


def test_readme_and_help_name_every_make_target() -> None:
    makefile = (ROOT / "Makefile").read_text()

    targets = re.search(r"^\.PHONY: (.*)$", makefile.replace("\\\n", ""), re.MULTILINE)
    assert targets is not None
    explained = re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE)
    assert sorted(targets[1].split()) == sorted(explained)
