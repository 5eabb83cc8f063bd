"""What somebody may have meant by a name that is not known, and what there is in its place."""

import difflib
import heapq
from collections.abc import Collection, Iterable
from itertools import islice, pairwise

# What is compared takes time, and comes from a client.
_LONGEST_NAME, _MOST_KNOWN = 100, 10_000
_CLOSE = 0.75
# To compare two long names whole takes as long as to compare the pairs of letters of hundreds.
_COMPARED = 3
# Enough to choose from on one line; and what is looked at while others wait takes a millisecond.
_LISTED, _LOOKED_AT = 10, 1000


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like this one; None where none is close.

    Of another case, or with `-` or blanks for `_`, it is the same name. Among very many names only
    the first are looked at.
    """
    if len(name) > _LONGEST_NAME:
        return None
    folded: dict[str, str] = {}
    for one in islice(known, _MOST_KNOWN):
        folded.setdefault(_folded(one[:_LONGEST_NAME]), one)
    asked = _folded(name)
    if asked in folded:
        return folded[asked]
    found = difflib.get_close_matches(asked, _alike(asked, folded), _COMPARED, _CLOSE)
    if not found:
        return None
    # Letters that changed places are the commonest slip.
    return folded[max(found, key=lambda one: sorted(one) == sorted(asked))]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a sentence: `; did you mean "x"?`, or nothing where no known name is close."""
    found = nearest(name, known)
    return "" if found is None else f'; did you mean "{found}"?'


def listed(names: Collection[str]) -> str:
    """The names in one line: the first of them and the number of the others where they are many."""
    shown = ", ".join(islice(names, _LISTED)) or "none"
    return shown if len(names) <= _LISTED else f"{shown} and {len(names) - _LISTED} more"


def there_are(name: str, known: Collection[str]) -> str:
    """The end of a sentence: `; there are: a, b, c; did you mean "b"?`."""
    return f"; there are: {listed(known)}{did_you_mean(name, islice(known, _LOOKED_AT))}"


def _folded(name: str) -> str:
    return name.strip().lower().replace("-", "_").replace(" ", "_")


def _alike(asked: str, known: Iterable[str]) -> list[str]:
    """The few names that have the largest share of pairs of letters with this one (Dice)."""
    pairs = _pairs(asked)

    def share(one: str) -> float:
        others = _pairs(one)
        return len(pairs & others) / (len(pairs) + len(others))

    # What differs more in length is never close.
    lengths = range(int(len(asked) * _CLOSE / (2 - _CLOSE)), int(len(asked) * (2 / _CLOSE - 1)) + 1)
    return heapq.nlargest(_COMPARED, (one for one in known if len(one) in lengths), key=share)


def _pairs(name: str) -> set[tuple[str, str]]:
    return set(pairwise(f"\n{name}\n"))
