"""Text of unknown origin in a sentence, a log line or an answer."""

_LONGEST = 300


def escaped(text: str) -> str:
    """The text on one line: line ends, control and formatting characters as in a Python string."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def shortened(text: str, longest: int = _LONGEST) -> str:
    """The text on one line, its middle left out where it is longer than so many characters."""
    if len(text) > longest:
        kept = longest // 2
        text = f"{text[:kept]} ... {text[-kept:]}"
    return escaped(text)
