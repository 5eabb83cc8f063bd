"""The card of a version, in Markdown."""

from collections.abc import Sequence

from training.report.content import content
from training.report.evidence import Evidence
from training.report.markdown import markdown


def card_md(evidence: Evidence, plots: Sequence[str]) -> str:
    """The card; it shows `plots`, by their names, as the files plots/<name>.svg beside it."""
    return markdown(content(evidence.manifest, plots))
