"""How many processor cores this process may use."""

import math
import os
from pathlib import Path

_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def available_cores(quota: Path = _QUOTA) -> int:
    """The cores that the process is bound to, or fewer where its container has a smaller share."""
    bound = len(os.sched_getaffinity(0))
    try:
        allowed, period = quota.read_text().split()
        share = bound if allowed == "max" else math.ceil(int(allowed) / int(period))
    except (OSError, ValueError):
        return bound
    return max(1, min(bound, share))
