"""How much memory this machine has, and this process uses."""

import os
import resource
from pathlib import Path


def physical_bytes() -> int:
    """The machine's memory."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def resident_bytes() -> int:
    """What this process holds of it now."""
    fields = Path("/proc/self/statm").read_text(encoding="ascii").split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")


def peak_resident_bytes() -> int:
    """The most that this process has held of it at a time."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
