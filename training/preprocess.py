"""Learn the preprocessing, and what the model card says of every feature, from training rows."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from service.inference.dates import iso_text
from service.inference.features import Features, Floats
from service.inference.spelling import are_told_apart, typed_key
from training.config import Scaling
from training.date_parts import N_PARTS, Calendar, parts_worth_seeing
from training.encoding import Bins, Numbers, Preprocessing, Text
from training.errors import TableInvalid
from training.inputs import Column
from training.tables.counts import MOST_TEXTS, Counts, NumberCounts, counts_of

# A category in fewer training rows is "other": nothing is to be learned from so few.
RARE = 5
_WHOLE_IN_FLOAT32 = 2**24
# More categories than this get learned embeddings of this width (Holzmüller et al. 2024).
_ONE_HOT_LIMIT = 9
_EMBEDDING_WIDTH = 8


@dataclass(frozen=True)
class Summary:
    """What the training rows say of one column; `unused` why the network does not see it.

    Of categories that are `respelled`, no training row holds two spellings.
    """

    missing: float
    minimum: float | None = None
    maximum: float | None = None
    categories: tuple[str, ...] | None = None
    respelled: bool = False
    unused: str | None = None


@dataclass(frozen=True)
class Learned:
    """The preprocessing, a summary of every column in order, and what the user should know."""

    preprocessing: Preprocessing
    summaries: tuple[Summary, ...]
    notes: tuple[str, ...]


def learn(
    features: Features,
    columns: Sequence[Column],
    *,
    scaling: Scaling,
    bins: int,
    counts: Counts | None = None,
) -> Learned:
    """Learn from training rows; `bins` is the number of quantile bins a number, 0 for none.

    Where `features` are a sample of the training rows, `counts` are of all of them.
    Raises TableInvalid when no column tells the rows apart.
    """
    numbers = [c for c in columns if not c.is_text]
    texts = [c.name for c in columns if c.is_text]
    if counts is None:
        counts = counts_of(features)
    number_summaries, scales, notes = _learn_numbers(features.numeric, counts, numbers, scaling)
    text_summaries, learned_texts, text_notes = _learn_texts(counts, texts)
    notes += text_notes
    names = (*(c.name for c in numbers), *texts)
    by_name = dict(zip(names, (*number_summaries, *text_summaries), strict=True))
    summaries = tuple(by_name[column.name] for column in columns)
    used = [place for place, s in enumerate(number_summaries) if s.unused is None]
    if not used and not learned_texts:
        reasons = "; ".join(
            f"{c.name}: {s.unused}" for c, s in zip(columns[:5], summaries, strict=False)
        )
        raise TableInvalid(f"there is no column to learn from: {reasons}")
    preprocessing = Preprocessing(
        numbers=_numbers(features.numeric, counts, numbers, used, scales, scaling, bins),
        one_hot=tuple(text for text in learned_texts if text.embedding is None),
        embedded=tuple(text for text in learned_texts if text.embedding is not None),
    )
    unused = [(c.name, s.unused) for c, s in zip(columns, summaries, strict=True) if s.unused]
    return Learned(preprocessing, summaries, (*_unused_notes(unused), *notes))


def _unused_notes(unused: Sequence[tuple[str, str]]) -> list[str]:
    if len(unused) > 5:
        listed = ", ".join(f"'{name}'" for name, _ in unused[:5])
        return [f"{len(unused)} columns are not used ({listed}, ...): constant or duplicate"]
    return [f"column '{name}' is not used: {reason}" for name, reason in unused]


@dataclass(frozen=True)
class _Scale:
    offset: float
    inverse: float


def _learn_numbers(
    numeric: Floats, counts: Counts, columns: Sequence[Column], scaling: Scaling
) -> tuple[list[Summary], list[_Scale], list[str]]:
    summaries, scales, notes = [], [], []
    seen: dict[bytes, str] = {}
    for place, (column, counted) in enumerate(zip(columns, counts.numbers, strict=True)):
        name, is_date = column.name, column.kind == "date"
        present = _ordered(numeric[:, place], counted)
        twin = seen.setdefault(counted.digest, name)
        unused = None if twin == name else f"it holds what '{twin}' holds"
        if counted.minimum is None:
            unused = "it holds no value"
        elif counted.minimum == counted.maximum and not counted.missing:
            held = iso_text(float(present[0])) if is_date else f"{present[0]:g}"
            unused = f"it holds {held} in every training row"
            if not is_date and abs(present[0]) >= _WHOLE_IN_FLOAT32:
                unused += ", to the 7 digits that float32 keeps"
        scale = _robust(present) if scaling == "robust" else _standard(present)
        if scale.inverse * abs(scale.offset) > 1e5 and not is_date:
            notes.append(
                f"column '{name}' varies by little around {scale.offset:g}, of which float32 keeps "
                "7 digits: subtract a constant from it"
            )
        low, high = (float(str(bound)) for bound in (present[0], present[-1]))
        missing = _share(counted.missing, counts.rows)
        summaries.append(Summary(missing, low, high, unused=unused))
        scales.append(scale)
    return summaries, scales, notes


def _ordered(column: Floats, counted: NumberCounts) -> Floats:
    """The numbers of some rows in order, and the least and the greatest of all rows with them."""
    if counted.minimum is None or counted.maximum is None:
        return np.zeros(1, np.float32)
    present = np.sort(column[~np.isnan(column)])
    if len(present) and present[0] == counted.minimum and present[-1] == counted.maximum:
        return present
    return np.concatenate(([counted.minimum], present, [counted.maximum])).astype(np.float32)


def _share(part: int, whole: int) -> float:
    # Of a part there is, the share is never 0.
    return round(part / whole, 6) or float(f"{part / whole:.1g}")


def _robust(ordered: Floats) -> _Scale:
    """Median and quartiles; where those are equal, the range (RealMLP, appendix B)."""
    first, median, third = np.quantile(ordered.astype(np.float64), (0.25, 0.5, 0.75))
    if third > first:
        return _Scale(median, _inverse(third - first))
    return _Scale(median, 2 * _inverse(float(ordered[-1]) - float(ordered[0])))


def _standard(ordered: Floats) -> _Scale:
    wide = ordered.astype(np.float64)
    mean, deviation = wide.mean(), wide.std()
    # Of a constant column the computed deviation is rounding noise, not always 0.
    return _Scale(mean, 0.0 if deviation <= 1e-7 * abs(mean) else _inverse(deviation))


def _inverse(scale: float) -> float:
    return 1 / scale if scale > 1e-30 else 0.0


def _numbers(
    numeric: Floats,
    counts: Counts,
    columns: Sequence[Column],
    used: Sequence[int],
    scales: Sequence[_Scale],
    scaling: Scaling,
    bins: int,
) -> Numbers:
    counted = [counts.numbers[place] for place in used]
    ordered = (_ordered(numeric[:, i], c) for i, c in zip(used, counted, strict=True))
    return Numbers(
        places=np.array(used, dtype=np.int64),
        offset=np.array([scales[i].offset for i in used], dtype=np.float32),
        inverse_scale=np.array([scales[i].inverse for i in used], dtype=np.float32),
        gaps=np.flatnonzero([c.missing for c in counted]).astype(np.int64),
        smooth=scaling == "robust",
        bins=_quantile_bins(ordered, bins) if bins else None,
        calendar=_calendar(
            {
                place: _ordered(numeric[:, i], counts.numbers[i])
                for place, i in enumerate(used)
                if columns[i].kind == "date"
            }
        ),
    )


def _calendar(dates: Mapping[int, Floats]) -> Calendar | None:
    """Of the days in each place, in order."""
    kept = [
        N_PARTS * number + part
        for number, present in enumerate(dates.values())
        for part in parts_worth_seeing(present)
    ]
    if not kept:
        return None
    return Calendar(np.array([*dates], dtype=np.int64), np.array(kept, dtype=np.int64))


def _quantile_bins(columns: Iterable[Floats], bins: int) -> Bins:
    places, lower, inverse_width = [], [], []
    for place, ordered in enumerate(columns):
        present = ordered.astype(np.float64)
        edges = np.unique(np.quantile(present, np.linspace(0, 1, bins + 1)).astype(np.float32))
        for low, high in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            places.append(place)
            lower.append(low)
            inverse_width.append(1 / max(high - low, 1e-30))
    return Bins(
        np.array(places, dtype=np.int64),
        np.array(lower, dtype=np.float32),
        np.array(inverse_width, dtype=np.float32),
    )


def _learn_texts(
    counts: Counts, names: Sequence[str]
) -> tuple[list[Summary], list[Text], list[str]]:
    summaries, learned, notes = [], [], []
    seen: dict[bytes, str] = {}
    for place, (name, counted) in enumerate(zip(names, counts.texts, strict=True)):
        twin = seen.setdefault(counted.digest, name)
        rows = Counter(counted.rows)
        missing = rows.pop("", 0)
        categories = tuple(sorted(c for c, count in rows.items() if count >= RARE))
        unused = None if twin == name else f"it holds what '{twin}' holds"
        text = _text(place, categories, has_other=len(rows) > len(categories), missing=missing)
        if text.n_codes < 2:
            unused = _same_everywhere(categories, rows)
        summaries.append(
            Summary(
                _share(missing, counts.rows),
                categories=categories,
                respelled=are_told_apart(rows) and any(map(typed_key, categories)),
                unused=unused,
            )
        )
        if counted.cut:
            notes.append(
                f"column '{name}' holds more than {MOST_TEXTS:,} different texts: the rarer ones "
                f"are not told apart; --ignore '{name}' leaves it out"
            )
        if unused is None:
            learned.append(text)
    return summaries, learned, notes


def _same_everywhere(categories: Sequence[str], counts: Counter[str]) -> str:
    if categories:
        return f"it holds '{categories[0]}' in every training row"
    if counts:
        return f"text, of which no value is in {RARE} training rows or more"
    return "it holds no value"


def _text(place: int, categories: tuple[str, ...], *, has_other: bool, missing: int) -> Text:
    other = len(categories) if has_other else None
    return Text(
        place=place,
        categories=categories,
        other=other,
        missing=len(categories) + has_other if missing else None,
        embedding=_EMBEDDING_WIDTH if len(categories) > _ONE_HOT_LIMIT else None,
    )
