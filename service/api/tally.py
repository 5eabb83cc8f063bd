"""Counts what was unusual about rows, after their answers and many rows at once."""

import asyncio
from collections import deque

from service.api.metrics import Metrics
from service.inference.features import Features, joined
from service.inference.predictor import Predictor

# Counted row by row, it would cost a small request a twentieth (docs/decisions/0031).
_LATER_S = 0.1
# About a millisecond when all of them are unusual.
_CELLS_AT_ONCE = 65_536


class Tally:
    """Rows that are to be counted. Used from one event loop."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._waiting: deque[tuple[Predictor, Features]] = deque()
        self._cells = 0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, version: Predictor, features: Features) -> None:
        """Count these rows of a version soon."""
        self._waiting.append((version, features))
        self._cells += features.numeric.size + features.categorical.size
        if self._timer is None:
            self._count_in(_LATER_S)
        elif self._cells >= _CELLS_AT_ONCE:
            self._timer.cancel()
            self._count_in(0)

    def settle(self) -> None:
        """Count all that waits now."""
        while self._waiting:
            self._count_some()

    def _count_in(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._count)

    def _count(self) -> None:
        self._timer = None
        self._count_some()
        if self._waiting:
            self._count_in(0)

    def _count_some(self) -> None:
        parts: dict[int, tuple[Predictor, list[Features]]] = {}
        left = _CELLS_AT_ONCE
        while self._waiting and left > 0:
            version, features = self._waiting.popleft()
            width = features.numeric.shape[1] + features.categorical.shape[1]
            rows = max(1, left // width)
            if len(features) > rows:
                self._waiting.appendleft((version, features[rows:]))
                features = features[:rows]
            cells = len(features) * width
            left -= cells
            self._cells -= cells
            parts.setdefault(id(version), (version, []))[1].append(features)
        for version, of_version in parts.values():
            for feature, kind, count in version.usual.counts(joined(of_version)):
                name, number = version.manifest.name, version.number
                self._metrics.count_unusual_cells(name, number, feature, kind, count)
