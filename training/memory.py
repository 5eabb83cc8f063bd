"""How much memory this machine has, and this process uses."""

import os
import resource


def physical_bytes() -> int:
    """The machine's memory."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def allowed_bytes(asked: int | None) -> int:
    """The bound that the user asked for, or half of the machine's memory."""
    return asked or physical_bytes() // 2


def peak_resident_bytes() -> int:
    """The most that this process has held of it at a time."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
