"""Words and signs that mostly stand for a gap; none is taken for one unless --missing says so."""

import shlex
from collections.abc import Mapping

GAP_WORDS = frozenset(
    (
        "?", "??", "???", "-", "--", "---", "\u2013", "\u2014", ".", "..", "...", "…", "*", "/",
        "\\n", "unknown", "unk", "missing", "undefined", "undef", "nil", "na", "n/a", "n.a.", "n.a",
        "n/d", "n.d.", "nd", "null", "nan", "<na>", "<null>", "(null)", "(blank)", "k.a.",
        "not available", "not known", "not applicable", "no data", "#value!", "#div/0!", "#ref!",
        "#name?", "#null!", "#num!",
    )
)  # fmt: skip


def is_gap_word(text: str) -> bool:
    """Whether a text may say that there is no value, in whatever case."""
    return text.lower() in GAP_WORDS


def gap_words(gaps: Mapping[str, int]) -> str:
    """Words that may say a gap, with how many cells hold them."""
    ordered = sorted(gaps.items(), key=lambda gap: -gap[1])[:5]
    return ", ".join(f"'{word}' in {n} row{'s' if n > 1 else ''}" for word, n in ordered)


def quoted(word: str) -> str:
    """A word as a shell takes it."""
    return shlex.quote(word)
