"""How long each stage of a run took."""

import time


class Stopwatch:
    """Seconds by stage, in the order in which the stages were first over."""

    def __init__(self) -> None:
        self._since = time.monotonic()
        self.seconds: dict[str, float] = {}

    def lap(self, stage: str) -> None:
        """What has passed since the last lap belongs to this stage."""
        now = time.monotonic()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._since
        self._since = now
