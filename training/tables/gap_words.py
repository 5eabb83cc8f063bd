"""Words and signs that mostly stand for a gap; none is taken for one unless --missing says so."""

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
