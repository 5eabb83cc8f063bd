"""Log lines: one a record, whatever is in it."""

import io
import logging
import os

import pytest

from service import logs

FORGED = "2026-01-01 00:00:00,000 INFO service: all is well"


@pytest.fixture
def written() -> io.StringIO:
    """What the configured handler writes."""
    logs.configure("info")
    stream = io.StringIO()
    (handler,) = (h for h in logging.getLogger().handlers if h.name == "stderr")
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(stream)
    return stream


@pytest.mark.parametrize("end", ["\n", "\r", "\x0b", "\x85", "\u2028", "\x1b[2K\x1b[1G"], ids=repr)
def test_message_stays_on_its_line(end: str, written: io.StringIO) -> None:
    logging.getLogger("service.test").error("a model is not served: %s", f"name{end}{FORGED}")

    (line,) = written.getvalue().splitlines()
    assert f"service.test[{os.getpid()}]: a model is not served: name\\" in line


def test_error_in_a_traceback_begins_no_line(written: io.StringIO) -> None:
    try:
        raise ValueError(f"bad\n{FORGED}\r{FORGED}")
    except ValueError:
        logging.getLogger("service.test").exception("it failed")

    first, *others = written.getvalue().splitlines()
    assert first.endswith(f"service.test[{os.getpid()}]: it failed")
    assert any("Traceback" in line for line in others)
    assert all(line.startswith("    ") for line in others)


def test_other_alphabets_are_left_as_they_are(written: io.StringIO) -> None:
    logging.getLogger("service.test").info("größe 大小 %s", "é")

    assert written.getvalue().endswith("größe 大小 é\n")
