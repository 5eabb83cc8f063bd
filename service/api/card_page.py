"""A version's card as a page: its Markdown as HTML, with the pictures beside it."""

import base64
import hashlib
import html
from functools import lru_cache

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;"
    "color:#1a1a1a;background:#fff}table{border-collapse:collapse;display:block;overflow-x:auto;"
    "margin:1rem 0}td,th{padding:.2rem .7rem;border-bottom:1px solid #ddd;text-align:left}"
    "pre{background:#f4f4f4;padding:1rem;overflow-x:auto}img{max-width:100%;height:auto}"
    ":root{color-scheme:light dark}@media (prefers-color-scheme:dark){body{color:#e6edf3;"
    "background:#0d1117}td,th{border-color:#30363d}pre{background:#161b22}a{color:#6cb6ff}}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_NOSNIFF = {"X-Content-Type-Options": "nosniff"}
# Nothing but this style and pictures from here, whatever a card says; a picture is only drawn.
PAGE_HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; img-src 'self'; "
    f"style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'",
    "Vary": "Accept",
    **_NOSNIFF,
}
PICTURE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    **_NOSNIFF,
}


@lru_cache(maxsize=16)
def card_page(title: str, card: str) -> str:
    """The page of a card in Markdown; HTML in it stays text.

    Its pictures are named as the card names them: plots/NAME.svg, beside the page's own address.
    """
    # A start does not wait for what most services never need.
    from markdown_it import MarkdownIt

    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(card)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head>\n"
        f"<body>\n{body}</body></html>\n"
    )
