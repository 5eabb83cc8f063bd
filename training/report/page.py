"""A card as one page that needs nothing else."""

import html
import re
from collections.abc import Iterable, Mapping

from training.report.content import content
from training.report.evidence import Evidence
from training.report.parts import Code, Grid, Heading, Listing, Paragraph, Part, Plot
from training.report.wording import visible

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;"
    "color:#1a1a1a;background:#fff}table{border-collapse:collapse;display:block;overflow-x:auto;"
    "margin:1rem 0}td,th{padding:.2rem .7rem;border-bottom:1px solid #ddd;text-align:left}"
    "pre{background:#f4f4f4;padding:1rem;overflow-x:auto}svg{max-width:100%;height:auto}"
    "figure{margin:1rem 0}figcaption{color:#555;font-size:.9rem}"
    ":root{color-scheme:light dark}@media (prefers-color-scheme:dark){body{color:#e6edf3;"
    "background:#0d1117}td,th{border-color:#30363d}pre{background:#161b22}figcaption{color:#9aa4af}}"
)


def page_html(evidence: Evidence, plots: Mapping[str, bytes]) -> str:
    """HTML with its style and pictures inside; no script, and no address of anything outside."""
    parts = content(evidence.manifest, list(plots))
    body = "\n".join(_part(part, plots) for part in parts)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{_text(evidence.manifest.name)}</title><style>{_STYLE}</style></head>\n"
        f"<body>\n{body}\n</body></html>\n"
    )


def _part(part: Part, plots: Mapping[str, bytes]) -> str:
    match part:
        case Heading(text, is_title):
            tag = "h1" if is_title else "h2"
            return f"<{tag}>{_text(text)}</{tag}>"
        case Paragraph(text):
            return f"<p>{_text(text)}</p>"
        case Listing(lines):
            return f"<ul>{''.join(f'<li>{_text(line)}</li>' for line in lines)}</ul>"
        case Grid(head, rows):
            shown = "".join(f"<tr>{_cells('td', row)}</tr>" for row in rows)
            return f"<table><tr>{_cells('th', head)}</tr>{shown}</table>"
        case Code(text):
            return f"<pre>{html.escape(text)}</pre>"
        case Plot(name, caption):
            svg = _inline(name, plots[name])
            svg = svg.replace("<svg ", f'<svg role="img" aria-label="{_text(caption.shows)}" ', 1)
            return f"<figure>{svg}<figcaption>{_text(caption.look)}</figcaption></figure>"


def _cells(tag: str, cells: Iterable[str]) -> str:
    return "".join(f"<{tag}>{_text(cell)}</{tag}>" for cell in cells)


def _text(text: str) -> str:
    return html.escape(visible(text))


def _inline(name: str, svg: bytes) -> str:
    """The picture without its XML head, its ids made its own."""
    text = svg.decode()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    # Within tags only: a label that looks like an attribute stays as it is.
    return re.sub(r"<[^<>]+>", lambda tag: _renamed(name, tag[0]), text)


def _renamed(name: str, tag: str) -> str:
    tag = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', tag)
    tag = re.sub(r'xlink:href="#', f'href="#{name}-', tag)
    return re.sub(r"url\(#", f"url(#{name}-", tag)
