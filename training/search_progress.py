"""How a search is going: a bar on a terminal, plain lines elsewhere."""

import sys
import time
from types import TracebackType
from typing import Never, Self

from tqdm import tqdm

_LINE_S = 10.0


class SearchProgress:
    """Counts epochs of all models; what stops early counts as done."""

    def __init__(self, models: int, epochs: int, what: str = "(settings x folds)") -> None:
        self._models, self._epochs, self._what = models, epochs, what
        self._bar: tqdm[Never] | None = None
        self._shown_at = time.monotonic()
        self._trained = 0

    def __enter__(self) -> Self:
        print(
            f"{self._models} models {self._what}, at most {self._epochs} epochs each",
            file=sys.stderr,
        )
        if sys.stderr.isatty():
            self._bar = tqdm(unit="epoch", leave=False)
        return self

    def advance(self, epoch: int, models: int, best: float | None) -> None:
        """So many models have trained one more epoch."""
        self._trained += models
        shown = "none yet" if best is None else f"{best:.4f}"
        if self._bar is not None:
            self._bar.update(models)
            self._bar.set_postfix_str(f"epoch {epoch}, {models} side by side, best {shown}")
        elif time.monotonic() - self._shown_at >= _LINE_S:
            self._shown_at = time.monotonic()
            print(
                f"epoch {epoch:4d}: {models} models side by side, {self._trained:,} epochs in all, "
                f"lowest mean validation log-loss {shown}",
                file=sys.stderr,
                flush=True,
            )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()
