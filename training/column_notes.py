"""What is odd about the values of columns that are used: gaps in words, spellings, one value."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from service.inference.dates import iso_text
from service.inference.features import Features, Floats
from service.inference.spelling import folded
from training.inputs import Column, placed
from training.preprocess import RARE, Summary
from training.tables.counts import Counts, TextCounts
from training.tables.gap_words import is_gap_word, quoted
from training.tables.table import Label

# Of a column with more different texts, such as one of names, spellings are not compared.
_MOST_SPELLINGS = 10_000
_LISTED, _LOOKED_AT_FIRST = 5, 101


def column_notes(
    columns: Sequence[Column],
    summaries: Sequence[Summary],
    counts: Counts,
    features: Features | None,
) -> list[str]:
    """A line each on what training rows hold; `features` are all of these, where they are known."""
    pairs = zip(placed(columns), summaries, strict=True)
    used = [(column, place) for (column, place), summary in pairs if summary.unused is None]
    texts = {column.name: counts.texts[place] for column, place in used if column.is_text}
    notes = [*_gap_words(texts), *_spellings(texts)]
    nearly = {name: told for name, counted in texts.items() if (told := _one_text(counted))}
    if features is not None:
        for column, place in used:
            if column.is_text or (value := _one_number(features.numeric[:, place])) is None:
                continue
            nearly[column.name] = iso_text(value) if column.kind == "date" else f"{value:g}"
    return [*notes, *_one_value(nearly)]


def label_notes(target: str, labels: Sequence[Label]) -> Iterator[str]:
    """Classes that may be one, or none."""
    texts = [label for label in labels if isinstance(label, str)]
    for group in _alike(texts):
        yield (
            f"the target '{target}' holds {', '.join(map(repr, sorted(group)))}, which differ by "
            "case or blanks alone, as classes of their own: mend the file if they are one"
        )
    for text in texts:
        if is_gap_word(text) and not (text == "-" and "+" in texts):
            yield (
                f"the target '{target}' holds '{text}' as a class: --missing {quoted(text)} leaves "
                "such rows out"
            )


def _alike(texts: Iterable[str]) -> list[list[str]]:
    """The texts that differ by case or blanks alone, of which there are two or more."""
    groups: dict[str, list[str]] = {}
    for text in texts:
        groups.setdefault(folded(text), []).append(text)
    return [group for group in groups.values() if len(group) > 1]


def _gap_words(texts: Mapping[str, TextCounts]) -> Iterator[str]:
    """Categories that may say that there is no value; one note for all columns."""
    rows: Counter[str] = Counter()
    names = []
    for name, counted in texts.items():
        found = {text: n for text, n in counted.rows.items() if text and is_gap_word(text)}
        # Beside a plus, a minus is an answer.
        if "+" in counted.rows:
            found.pop("-", None)
        if found:
            names.append(name)
            rows.update(found)
    if names:
        words = ", ".join(f"'{word}' in {count:,}" for word, count in rows.most_common(_LISTED))
        flag = " ".join(map(quoted, rows))
        yield (
            f"{_columns(names)}: {words} training rows may be gaps, and stand for a category "
            f"of their own: --missing {flag} takes them as gaps"
        )


def _spellings(texts: Mapping[str, TextCounts]) -> Iterator[str]:
    for name, counted in texts.items():
        if not 1 < len(counted.rows) <= _MOST_SPELLINGS:
            continue
        groups = [
            sorted(group, key=lambda text: (-counted.rows[text], text))
            for group in _alike(counted.rows)
            if max(counted.rows[text] for text in group) >= RARE
        ]
        if groups:
            groups.sort(key=lambda group: -counted.rows[group[0]])
            shown = "; ".join(
                ", ".join(f"'{text}' ({counted.rows[text]:,})" for text in group)
                for group in groups[:_LISTED]
            )
            more = f"; and {len(groups) - _LISTED} more" if len(groups) > _LISTED else ""
            yield (
                f"column '{name}' holds categories that differ by case or blanks alone, in so many "
                f"training rows: {shown}{more}; --fold-case '{name}' takes them for one"
            )


def _one_text(counted: TextCounts) -> str | None:
    total = sum(counted.rows.values())
    text, most = max(counted.rows.items(), key=lambda item: item[1])
    return f"'{text}'" if text and 0 < total - most < RARE <= most else None


def _one_number(values: Floats) -> float | None:
    """The value of all rows but a few, gaps among them."""
    first = values[:_LOOKED_AT_FIRST]
    if np.isnan(first).all():
        return None
    middle = np.float32(np.nanmedian(first))
    if int((first != middle).sum()) >= RARE:
        # As of most columns, which then need not be looked at to their end.
        return None
    others = int((values != middle).sum())
    return float(middle) if 0 < others < RARE <= len(values) - others else None


def _one_value(nearly: Mapping[str, str]) -> Iterator[str]:
    if not nearly:
        return
    names = list(nearly)
    if len(names) == 1:
        yield (
            f"column '{names[0]}' holds {nearly[names[0]]} in all but fewer than {RARE} training "
            f"rows: little is to be learned from it; --ignore '{names[0]}' leaves it out"
        )
    else:
        yield (
            f"{_columns(names)} hold one value each in all but fewer than {RARE} training rows: "
            "little is to be learned from them"
        )


def _columns(names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"column '{names[0]}'"
    shown = ", ".join(f"'{name}'" for name in names[:_LISTED])
    return f"columns {shown}" + (
        f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    )
