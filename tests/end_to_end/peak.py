"""A fit in a process of its own, and the memory that it took."""

import re
import subprocess
import sys
from pathlib import Path

from tests.service_process import ROOT

_PROGRAM = (
    "import resource, sys\n"
    "from training.__main__ import main\n"
    "status = main(sys.argv[1:])\n"
    "print('peak', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)\n"
    "sys.exit(status)\n"
)


def peak_of_fit(*flags: str | Path, seconds: float | None = None) -> int:
    """The most resident bytes of `fit` with these flags, which must end well, and in time."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, "fit", *map(str, flags)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        timeout=seconds,
    )
    assert done.returncode == 0, done.stderr
    peak = re.search(r"^peak (\d+)$", done.stdout, re.MULTILINE)
    assert peak is not None
    return int(peak[1])
