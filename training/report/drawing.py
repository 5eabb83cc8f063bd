"""Figures as SVG: the same data give the same bytes."""

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

# Okabe & Ito 2008: told apart by colour-blind readers too.
BLUE, ORANGE, GREEN, RED, GREY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#8c8c8c"
_FONT = b"font-family: 'DejaVu Sans', sans-serif"
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "mlpserve",
    "svg.fonttype": "none",
    "font.family": ["DejaVu Sans", "sans-serif"],
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
def picture(
    width: float = 6.4, height: float = 3.6, *, columns: int = 1, panels: int | None = None
) -> Iterator[Picture]:
    """A figure of so many inches with `panels` axes, in rows of `columns` of them."""
    panels = columns if panels is None else panels
    with rc_context(_STYLE), warnings.catch_warnings():
        # Text stays text: the reader's fonts draw what matplotlib's own one lacks.
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font", UserWarning)
        made = Picture(Figure(figsize=(width, height), layout="constrained"))
        rows = -(-panels // columns)
        for place in range(panels):
            made.figure.add_subplot(rows, columns, place + 1)
        yield made
        file = io.BytesIO()
        made.figure.savefig(file, format="svg", metadata={"Date": None, "Creator": "mlpserve"})
        made.svg = _compact(file.getvalue())


def plain_numbers(axis: Axis) -> None:
    """Label a logarithmic axis with numbers; powers of ten would be written as mathematics."""
    axis.set_major_formatter(FuncFormatter(lambda value, _place: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def log_numbers(axis: Axis, low: float, high: float) -> None:
    """Label a logarithmic axis between these values, however few powers of ten are there."""
    if high < 5 * low:
        axis.set_major_locator(MaxNLocator(5))
    elif high < 100 * low:
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    plain_numbers(axis)


def _compact(svg: bytes) -> bytes:
    """The same picture in half the bytes: no comments, one font, hundredths of a point.

    Names cannot be mistaken for markup here: in text, matplotlib escapes every < and >.
    """
    svg = re.sub(rb"<!--.*?-->\s*", b"", svg, flags=re.DOTALL)
    svg = re.sub(rb"<(?:path|text|use) [^<>]*>", _rounded, svg)
    svg = re.sub(rb'(<text style="[^"<>]*?)(?:; )?font-family: [^";]*', rb"\1", svg)
    svg = re.sub(rb'<g id="text_\d+">\s*(<text [^\n]*</text>)\s*</g>', rb"\1", svg)
    svg = re.sub(rb'(<text [^<>]*?) transform="rotate\(-0 [^"]*"', rb"\1", svg)
    return re.sub(rb"\n\s+<", b"\n<", svg).replace(b"<svg ", b'<svg style="' + _FONT + b'" ', 1)


def _rounded(tag: re.Match[bytes]) -> bytes:
    return re.sub(rb"(\.\d\d)\d+", rb"\1", tag[0]).replace(b" \n", b"\n").replace(b"\n", b" ")
