"""What somebody may have meant by a name that is not known."""

import difflib
from collections.abc import Iterable
from itertools import islice

# What is compared takes time, and comes from a client.
_LONGEST_NAME, _MOST_KNOWN = 100, 10_000
_CLOSE = 0.75


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like this one; None where none is close.

    Of another case, or with `-` or blanks for `_`, it is the same name. Among very many names only
    the first are looked at.
    """
    if len(name) > _LONGEST_NAME:
        return None
    folded: dict[str, str] = {}
    for one in islice(known, _MOST_KNOWN):
        folded.setdefault(_folded(one), one)
    asked = _folded(name)
    if asked in folded:
        return folded[asked]
    found = difflib.get_close_matches(asked, folded, n=1, cutoff=_CLOSE)
    return folded[found[0]] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a sentence: `; did you mean "x"?`, or nothing where no known name is close."""
    found = nearest(name, known)
    return "" if found is None else f'; did you mean "{found}"?'


def _folded(name: str) -> str:
    return name.strip().lower().replace("-", "_").replace(" ", "_")
