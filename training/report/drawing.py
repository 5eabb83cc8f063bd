"""Figures as SVG: the same data give the same bytes."""

import io
import math
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

# Okabe & Ito 2008: told apart by colour-blind readers too.
BLUE, ORANGE, GREEN, RED, GREY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#8c8c8c"
INK, MUTED = "#1a1a1a", "#57606a"
# What becomes of a colour where the reader's pages are dark; the others are legible on both.
_DARK = {INK: "#e6edf3", MUTED: "#9aa4af", BLUE: "#56b4e9", GREEN: "#2fbf95", RED: "#f0803c"}
_DARK_PAPER = "#0d1117"
_MOST_LOG_TICKS = 12
_FONT = b"font-family: 'DejaVu Sans', sans-serif"
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "mlpserve",
    "svg.fonttype": "none",
    "font.family": ["DejaVu Sans", "sans-serif"],
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.titlepad": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.facecolor": "none",
    # An axis ends at a tick that has a label.
    "axes.autolimit_mode": "round_numbers",
    "axes.xmargin": 0,
    "axes.ymargin": 0,
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
        made.figure.patch.set_gid("paper")
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


def log_numbers(axes: Axes, low: float, high: float) -> None:
    """A logarithmic y axis from a round number below `low` to one above `high`, which are > 0."""
    axes.set_yscale("log")
    ticks = [value for value in _log_ticks(low, high) if value > 0]
    axes.set_yticks(ticks)
    axes.set_ylim(min(low, ticks[0]), max(high, ticks[-1]))
    plain_numbers(axes.yaxis)


def _log_ticks(low: float, high: float) -> list[float]:
    if high < 5 * low:
        return [float(value) for value in MaxNLocator(5).tick_values(low, high)]
    steps = (1, 2, 5) if high < 3000 * low else (1,)
    # One power beyond on either side: a logarithm may be rounded to a whole number.
    powers = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 2)
    every = [float(f"{step}e{power}") for power in powers for step in steps]
    first = max(place for place, value in enumerate(every) if value <= low)
    last = min(place for place, value in enumerate(every) if value >= high)
    stride = max(1, (last - first) // _MOST_LOG_TICKS)
    return [*every[first:last:stride], every[last]]


def _compact(svg: bytes) -> bytes:
    """The same picture in half the bytes: no comments, one font, hundredths of a point.

    Names cannot be mistaken for markup here: in text, matplotlib escapes every < and >.
    """
    svg = re.sub(rb"<!--.*?-->\s*", b"", svg, flags=re.DOTALL)
    svg = re.sub(rb"<(?:path|text|use) [^<>]*>", _rounded, svg)
    svg = re.sub(rb'(<text style="[^"<>]*?)(?:; )?font-family: [^";]*', rb"\1", svg)
    svg = re.sub(rb'<g id="text_\d+">\s*(<text [^\n]*</text>)\s*</g>', rb"\1", svg)
    svg = re.sub(rb'(<text [^<>]*?) transform="rotate\(-0 [^"]*"', rb"\1", svg)
    svg = re.sub(rb"\n\s+<", b"\n<", svg).replace(b"<svg ", b'<svg style="' + _FONT + b'" ', 1)
    return svg.replace(b"</metadata>", b"</metadata>\n<style>" + _dark_style() + b"</style>", 1)


def _dark_style() -> bytes:
    """Rules that win over the colours of the elements; ids differ where a page holds pictures."""
    rules = [f'[id$="paper"] path{{fill:{_DARK_PAPER}!important}}']
    rules += [
        f'[style*="{kind}: {light}"]{{{kind}:{dark}!important}}'
        for light, dark in _DARK.items()
        for kind in ("fill", "stroke")
    ]
    return f"@media (prefers-color-scheme: dark){{{''.join(rules)}}}".encode()


def _rounded(tag: re.Match[bytes]) -> bytes:
    return re.sub(rb"(\.\d\d)\d+", rb"\1", tag[0]).replace(b" \n", b"\n").replace(b"\n", b" ")
