"""Counts what was unusual about rows: many rows at once, or after their answers.

Up to some 5,000 rows a second all are looked at, and beyond that a sample, which stands for all:
to look at 64 rows of 128 numbers takes a tenth of what their request does.
"""

import asyncio

from service.api.metrics import Metrics
from service.inference.features import Features, joined
from service.inference.predictor import Predictor
from service.inference.unusual import Counts

# Counted one by one, rows would cost a small request a twentieth (docs/decisions/0026).
_LATER_S = 0.1
_ROWS_TO_COUNT_NOW = 8
# Of a busy moment these rows, and the request that they end in, stand for the rest of it.
_ROWS_OF_A_MOMENT = 512


class _Version:
    """Rows of one version that are to be counted, and counts that are to be told."""

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor
        self.waiting: list[Features] = []
        self.counts: Counts = predictor.usual.no_counts()
        self.rows = self.rows_passed_over = 0

    @property
    def estimate(self) -> Counts:
        """The counts of all rows, from those that were looked at."""
        passed_over = self.rows_passed_over
        return self.counts * (1 + passed_over / self.rows) if passed_over else self.counts

    def count(self) -> None:
        """Count the rows that wait."""
        if self.waiting:
            waiting, self.waiting = self.waiting, []
            self.predictor.usual.count(joined(waiting), self.counts)


class Tally:
    """Rows that are to be counted. Used from one event loop."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._versions: dict[int, _Version] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, predictor: Predictor, features: Features) -> None:
        """Count these rows of a version soon."""
        version = self._versions.get(id(predictor))
        if version is None:
            version = self._versions[id(predictor)] = _Version(predictor)
        rows = len(features.numeric)
        if version.rows >= _ROWS_OF_A_MOMENT or not rows:
            version.rows_passed_over += rows
            return
        version.rows += rows
        if rows > _ROWS_TO_COUNT_NOW:
            # To keep them would cost more: memory that is given back at once is used again.
            predictor.usual.count(features, version.counts)
        else:
            version.waiting.append(features)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_LATER_S, self.settle)

    def settle(self) -> None:
        """Count all that waits, and tell the metrics."""
        self._timer = None
        versions, self._versions = self._versions, {}
        for version in versions.values():
            version.count()
            predictor = version.predictor
            name, number = predictor.manifest.name, predictor.number
            for feature, kind, count in predictor.usual.named(version.estimate):
                self._metrics.count_unusual_cells(name, number, feature, kind, count)
