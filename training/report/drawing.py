"""Figures as SVG: the same data give the same bytes."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

# Okabe & Ito 2008: told apart by colour-blind readers too.
BLUE, ORANGE, GREEN, RED, GREY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#8c8c8c"
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "mlpserve",
    "svg.fonttype": "none",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    # A label such as $x$ is a name, not mathematics.
    "text.parse_math": False,
}


class Picture:
    """A figure in the making, and its SVG once the block that makes it has ended."""

    def __init__(self, figure: Figure) -> None:
        self.figure = figure
        self.svg = b""

    @property
    def axes(self) -> Axes:
        """The only axes."""
        return self.figure.axes[0]


@contextmanager
def picture(width: float = 6.4, height: float = 3.6, columns: int = 1) -> Iterator[Picture]:
    """A figure of so many inches with axes side by side."""
    with rc_context(_STYLE):
        made = Picture(Figure(figsize=(width, height), layout="constrained"))
        made.figure.subplots(1, columns, squeeze=False)
        yield made
        file = io.BytesIO()
        made.figure.savefig(file, format="svg", metadata={"Date": None, "Creator": "mlpserve"})
        made.svg = file.getvalue()


def plain_numbers(axis: Axis) -> None:
    """Label a logarithmic axis with numbers; powers of ten would be written as mathematics."""
    axis.set_major_formatter(FuncFormatter(lambda value, _place: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def shortened(text: object, most: int = 40) -> str:
    """A name as a label: on one line, and not too long."""
    line = " ".join(str(text).split())
    return line if len(line) <= most else line[: most - 1] + "…"
