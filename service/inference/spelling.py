"""How a cell of text is read: its blanks, words for missing, other spellings of a category."""

from collections.abc import Iterable

from service.model_repository.signature import Feature, Signature

# Unicode's White_Space, as training's readers cut it off; str.strip() takes \x1c to \x1f as well.
BLANKS = (
    "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009"
    "\u200a\u2028\u2029\u202f\u205f\u3000"
)


class Spelling:
    """What a text feature's cells are to the network, in files and in requests alike."""

    def __init__(self, feature: Feature, signature: Signature) -> None:
        categories = feature.categories or ()
        # Categories are what they are, and what most cells hold.
        self._known = {category: category for category in ("", *categories)}
        self._trims = signature.trims_text
        self._folds = feature.folds_case
        self._missing = frozenset(signature.missing_texts)
        keys = ((typed_key(category), category) for category in categories)
        self._alike = {k: c for k, c in keys if k is not None} if feature.respelled else {}

    def read(self, cell: str) -> str:
        """The category that a cell names, another text, or "" where it says that it is missing."""
        known = self._known.get(cell)
        return self._unlisted(cell) if known is None else known

    def _unlisted(self, cell: str) -> str:
        text = cell.strip(BLANKS) if self._trims else cell
        if self._folds and text not in self._missing:
            text = folded(text)
        if text in self._missing:
            return ""
        key = typed_key(text) if self._alike else None
        return text if key is None else self._alike.get(key, text)


def folded(text: str) -> str:
    """What a text has in common with those of another case, or with other blanks between words."""
    return " ".join(text.casefold().split())


def typed_key(text: str) -> str | None:
    """What spellings of one boolean or of one whole number have in common; None for other text."""
    if text.lower() in ("true", "false"):
        return text.lower()
    whole = text.removesuffix(".0")
    return whole if whole.removeprefix("-").isdigit() else None


def are_told_apart(texts: Iterable[str]) -> bool:
    """Whether some of the texts are booleans or whole numbers, and no two of them the same one."""
    keys = [key for key in map(typed_key, texts) if key is not None]
    return 0 < len(keys) == len(set(keys))
