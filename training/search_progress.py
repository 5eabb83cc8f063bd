"""How a search is going: a bar with the time left on a terminal, plain lines elsewhere."""

import sys
import time
from types import TracebackType
from typing import Never, Self

from tqdm import tqdm

from training.screen import columns

_LINE_S = 10.0


class SearchProgress:
    """Counts epochs of all models; what stops early is left out of what is still to come."""

    def __init__(self, models: int, epochs: int, what: str = "(settings x folds)") -> None:
        self._models, self._epochs, self._what = models, epochs, what
        self._bar: tqdm[Never] | None = None
        self._began_at = self._shown_at = time.monotonic()
        self._trained = 0

    def __enter__(self) -> Self:
        print(
            f"{self._models} models {self._what}, at most {self._epochs} epochs each",
            file=sys.stderr,
        )
        if sys.stderr.isatty():
            self._bar = tqdm(
                total=self._models * self._epochs,
                leave=False,
                ncols=columns() - 1,
                bar_format="{percentage:3.0f}%|{bar}| {n_fmt} of {total_fmt} epochs, "
                "{remaining} left{postfix}",
            )
        return self

    def advance(self, epoch: int, models: int, best: float | None, left: int) -> None:
        """So many models have trained one more epoch; about so many epochs are left of all."""
        self._trained += models
        shown = "none yet" if best is None else f"{best:.4f}"
        if self._bar is not None:
            self._bar.total = self._trained + left
            self._bar.set_postfix_str(f"{models} at once, best {shown}", refresh=False)
            self._bar.update(models)
        elif time.monotonic() - self._shown_at >= _LINE_S:
            self._shown_at = time.monotonic()
            print(
                f"epoch {epoch:4d}: {models} models side by side, {self._trained:,} of about "
                f"{self._trained + left:,} epochs, {self._time_left(left)} left, best {shown}",
                file=sys.stderr,
                flush=True,
            )

    def _time_left(self, epochs: int) -> str:
        seconds = round((self._shown_at - self._began_at) / self._trained * epochs)
        return f"{seconds // 60}:{seconds % 60:02d}"

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()
