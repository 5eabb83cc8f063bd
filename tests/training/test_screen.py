"""What is printed fits a screen of 100 columns, whatever a run says."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.service_process import ROOT
from training.screen import wrapped


@given(line=st.text(st.sampled_from("ab:,  "), max_size=300), width=st.integers(20, 100))
def test_wrapped_line_keeps_its_words_and_no_part_is_too_long(line: str, width: int) -> None:
    parts = list(wrapped(line, width))

    assert " ".join(parts).split() == line.split()
    longest = max(map(len, line.split()), default=0)
    assert all(len(part) <= max(width, longest + width // 2 + 2) for part in parts)


def test_lines_below_stand_clear_of_the_head() -> None:
    first, *others = wrapped(f"validation  {'accuracy 0.5, ' * 12}", 60)

    assert first.startswith("validation  accuracy")
    assert all(part.startswith(" " * 12 + "accuracy") for part in others)


def _on_a_terminal(columns: int, *arguments: str | Path) -> str:
    """What a command shows on a terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    with subprocess.Popen(
        [sys.executable, "-m", "training", *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env={name: value for name, value in os.environ.items() if name != "COLUMNS"},
    ) as process:
        os.close(theirs)
        shown = b""
        # A terminal whose last writer has gone answers with an error.
        while part := _read(ours):
            shown += part
    os.close(ours)
    assert process.returncode == 0, shown.decode()
    return shown.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


def _lines(shown: str) -> list[str]:
    return [re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", line) for line in re.split(r"[\r\n]+", shown)]


def test_search_fits_the_screen_and_shows_how_much_is_left(tmp_path: Path) -> None:
    models = os.path.relpath(tmp_path, ROOT)
    where = ("--dataset", "penguins", "--report", "none", "--threads", "1", "--models", models)

    shown = _on_a_terminal(
        200, "select", "--settings", "4", "--epochs", "20", "--folds", "2", *where
    )

    long = [line for line in _lines(shown) if len(line) > 100]
    assert not [line for line in long if models not in line]
    assert re.search(r"\d+ of \d+ epochs, [0-9?:]+ left, \d+ at once, best \d", shown)
    assert f"published   {models}/penguins/1" in shown
