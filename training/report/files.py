"""The files of a report."""

from collections.abc import Callable

from training.report import answers, curves, histograms
from training.report.content import content
from training.report.evidence import Evidence
from training.report.markdown import markdown
from training.report.page import page

_PICTURES: dict[str, Callable[[Evidence], bytes | None]] = {
    "losses": curves.losses,
    "gradients": curves.gradients,
    "selection": curves.selection,
    "learning-curve": curves.rows_curve,
    "confusion": answers.confusions,
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
    parts = list(content(evidence.manifest, list(plots)))
    files = {"card.md": markdown(parts).encode()}
    files |= {f"plots/{name}.svg": svg for name, svg in plots.items()}
    if html:
        files["report.html"] = page(evidence.manifest.name, parts, plots).encode()
    return files
