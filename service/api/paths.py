"""The paths that there are, and which of them was meant by another."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from fastapi import APIRouter

from service.api.operations import OPERATIONS
from service.nearest import nearest

_APART = re.compile(r"[/:]")
# No path is longer, and what is compared comes from a client.
_LONGEST, _MOST_WORDS = 200, 8


class Paths:
    """The paths of the documentation, such as /v1/models/{name}:predict."""

    def __init__(self, routers: Iterable[APIRouter]) -> None:
        served = [path for router in routers for path in _paths_of(router)]
        described = [operation.path for operation in OPERATIONS]
        templates = {*served, *described, "/docs", "/openapi.json"}
        # Of several that end alike, the shortest is the simplest.
        self._words = {path: _words(path) for path in sorted(templates, key=_length)}
        self._literals = tuple(
            {word: None for words in self._words.values() for word in words if word[0] != "{"}
        )

    def meant(self, path: str) -> str | None:
        """The path that is most like this one, with what this one names; None where none is."""
        asked = _words(path)
        if len(path) > _LONGEST or len(asked) > _MOST_WORDS:
            return None
        literals = {word: nearest(word, self._literals) for word in asked}
        for first in range(len(asked)):
            rest = asked[first:]
            for template, words in self._words.items():
                end = words[-len(rest) :]
                # What comes after words that nobody knows is no name.
                is_named = not first or not end[0].startswith("{")
                if len(end) == len(rest) and is_named and _fit(rest, end, literals):
                    return _filled(template, dict(zip(end, rest, strict=True)))
        return None


def _paths_of(router: APIRouter) -> Iterator[str]:
    for route in router.routes:
        path: str | None = getattr(route, "path", None)
        if path is not None:
            yield path.replace(":segment}", "}")


def _words(path: str) -> list[str]:
    return [word for word in _APART.split(path) if word]


def _length(path: str) -> tuple[int, str]:
    return len(_words(path)), path


def _fit(asked: Sequence[str], words: Sequence[str], literals: Mapping[str, str | None]) -> bool:
    """Whether the words of a path are those of a template, where it has no names."""
    pairs = [(literals[a], w) for a, w in zip(asked, words, strict=True) if w[0] != "{"]
    return bool(pairs) and all(literal == word for literal, word in pairs)


def _filled(template: str, named: Mapping[str, str]) -> str:
    return re.sub(r"{\w+}", lambda name: named.get(name[0], name[0]), template)
