"""The files of a report."""

from collections.abc import Callable

from training.report import answers, confusions, curves, histograms, search
from training.report.card import card_md
from training.report.evidence import Evidence
from training.report.page import page_html

_PICTURES: dict[str, Callable[[Evidence], bytes | None]] = {
    "losses": curves.losses,
    "gradients": curves.gradients,
    "selection": search.selection,
    "learning-curve": curves.rows_curve,
    "confusion": confusions.confusions,
    "classes": answers.per_class,
    "reliability": answers.reliability,
    "uncertainty": answers.uncertainty,
    "weights": histograms.weights,
    "hidden": histograms.hidden,
}


def report_files(evidence: Evidence, *, html: bool) -> dict[str, bytes]:
    """`card.md` and the pictures that it shows; with `html`, one page with all of it besides."""
    drawn = {name: draw(evidence) for name, draw in _PICTURES.items()}
    plots = {name: svg for name, svg in drawn.items() if svg is not None}
    files = {"card.md": card_md(evidence, list(plots)).encode()}
    files |= {f"plots/{name}.svg": svg for name, svg in plots.items()}
    if html:
        files["report.html"] = page_html(evidence, plots).encode()
    return files
