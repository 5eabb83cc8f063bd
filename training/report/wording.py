"""Names as they may be shown: on one line, without what no reader can see, not too long."""

import unicodedata

# Control characters, lone surrogates and noncharacters: SVG with any of them cannot be read.
_UNSEEN = {"Cc", "Cs"}
_NONCHARACTERS = {"\ufffe", "\uffff"}


def visible(text: object) -> str:
    """On one line, with a mark in place of every character that has no shape."""
    line = " ".join(str(text).split())
    return "".join("\N{REPLACEMENT CHARACTER}" if _is_unseen(char) else char for char in line)


def shortened(text: object, most: int = 40) -> str:
    """A name as a label. Its middle goes: names of a kind differ at their ends."""
    line = visible(text)
    if len(line) <= most:
        return line
    tail = (most - 1) // 2
    return f"{line[: most - 1 - tail]}…{line[len(line) - tail :]}"


def _is_unseen(char: str) -> bool:
    return unicodedata.category(char) in _UNSEEN or char in _NONCHARACTERS
