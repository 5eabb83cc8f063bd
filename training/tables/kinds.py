"""Which columns are numbers and which categories, by what is asked and what is in their cells."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from service.model_repository.signature import DateForm, DecimalMark, NumberFormat
from service.nearest import did_you_mean
from training.errors import Problem, TableInvalid, invalid_table
from training.inputs import Column
from training.tables.date_kinds import asked_form, found_form, looks_like_dates
from training.tables.gap_words import gap_words, quoted
from training.tables.text_cells import TextCells


@dataclass(frozen=True)
class Asked:
    """What the user said of columns, by name; `ignored` columns are left out.

    `group` says which rows belong together; it is no feature. `missing` are texts for a gap beside
    the usual ones. `decimal` is the mark of all numbers, and each of `dates` has its form, None
    where that is to be found. `folded` are categories that case and blanks do not tell apart.
    """

    numeric: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    group: str | None = None
    missing: tuple[str, ...] = ()
    decimal: DecimalMark | None = None
    dates: Mapping[str, DateForm | None] = field(default_factory=dict)
    folded: tuple[str, ...] = ()

    @property
    def as_text(self) -> tuple[str, ...]:
        """The columns that are categories, whatever their type."""
        return (*self.categorical, *self.folded)


@dataclass(frozen=True)
class Kinds:
    """The features among the columns, those left out, with a word, and those of no clear kind."""

    columns: tuple[Column, ...]
    left_out: tuple[str, ...]
    notes: tuple[str, ...]
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class _Kind:
    """Of one column; `note` follows its name and "is" or "are"."""

    column: Column | None = None
    note: str | None = None
    left_out: str | None = None
    problem: Problem | None = None


def looked_at(schema: pl.Schema, asked: Asked) -> list[str]:
    """The columns whose type, or how they write numbers, depends on what their cells look like."""
    given = {*asked.as_text, *asked.ignored, asked.group}
    return [name for name, dtype in schema.items() if dtype == pl.String and name not in given]


def kinds_of(source: str, schema: pl.Schema, asked: Asked, cells: Mapping[str, TextCells]) -> Kinds:
    """The type of every column, by what is asked, its dtype and, of text, its cells.

    Raises TableInvalid for names that are not there, and where no column is left.
    """
    _check_names(source, schema.names(), asked)
    decimal = asked.decimal or _decimal_of(cells)
    found = {
        name: _kind(name, dtype, asked, cells.get(name), decimal)
        for name, dtype in schema.items()
        if name not in asked.ignored and name != asked.group
    }
    columns = tuple(kind.column for kind in found.values() if kind.column is not None)
    problems = tuple(kind.problem for kind in found.values() if kind.problem is not None)
    if not columns and not problems:
        raise TableInvalid(f"{source}: there is no column to learn from beside the target")
    features = {column.name for column in columns}
    others = tuple(name for name in schema if name not in features)
    notes = [kind.left_out for kind in found.values() if kind.left_out is not None]
    notes += _grouped_notes({n: kind.note for n, kind in found.items() if kind.note is not None})
    if decimal == "," and asked.decimal is None:
        notes.append(
            "numbers are read with a decimal comma, which some of them cannot be read without "
            "(1,5 is 1.5, and 1.234 is 1234): --decimal . reads a point"
        )
    return Kinds(columns, others, tuple(notes), problems)


def _kind(
    name: str, dtype: pl.DataType, asked: Asked, cells: TextCells | None, decimal: DecimalMark
) -> _Kind:
    if name in asked.as_text:
        return _Kind(Column(name, "category", folds_case=name in asked.folded))
    if name in asked.numeric:
        return _number(name, cells, decimal)
    if name in asked.dates:
        form = asked.dates[name] or asked_form(name, cells)
        return _date(name, form, note=None)
    if dtype == pl.Date or dtype == pl.Datetime:
        return _Kind(Column(name, "date"))
    if (left_out := _not_a_feature(dtype)) is not None:
        return _Kind(left_out=f"column '{name}' is left out: it holds {left_out}")
    if cells is not None:
        return _kind_of_text(name, cells, decimal, is_asked=asked.decimal is not None)
    is_number = dtype.is_numeric() or dtype == pl.Null
    return _Kind(Column(name, "number" if is_number else "category"))


def _kind_of_text(name: str, cells: TextCells, decimal: DecimalMark, *, is_asked: bool) -> _Kind:
    numbers = cells.numbers(decimal)
    if (form := found_form(name, cells)) is not None:
        return _date(name, form, note=f"read as dates; --categorical '{name}' takes text")
    if cells.are_codes:
        return _Kind(
            Column(name, "category"),
            note=f"taken as categories: zeros at the beginning, as codes have them, would be lost "
            f"to a number; --numeric '{name}' takes numbers",
        )
    if numbers.count == cells.present:
        mixed = _mixed_signs(name, cells, decimal)
        if mixed is not None:
            return _Kind(problem=mixed)
        number = _number(name, cells, decimal)
        return replace(number, note=number.note or looks_like_dates(name, cells))
    other: DecimalMark = "," if decimal == "." else "."
    if cells.numbers(other).alone and cells.are_numbers(other):
        return _Kind(problem=_other_mark(name, cells, other, is_asked=is_asked))
    if cells.distinct is not None or 2 * numbers.count <= cells.present:
        return _Kind(Column(name, "category"))
    if cells.are_numbers(decimal):
        return _Kind(problem=_gaps(name, cells, numbers.count))
    return _Kind(problem=_mixed(name, cells, decimal))


def _date(name: str, form: DateForm | Problem, *, note: str | None) -> _Kind:
    if isinstance(form, Problem):
        return _Kind(problem=form)
    return _Kind(Column(name, "date", date_form=form), note=note)


def _number(name: str, cells: TextCells | None, decimal: DecimalMark) -> _Kind:
    if cells is None:
        return _Kind(Column(name, "number"))
    numbers = cells.numbers(decimal)
    written = numbers.signs.format(decimal)
    if written == NumberFormat():
        return _Kind(Column(name, "number"))
    left_out = sorted(numbers.signs.currencies)
    if written.separators:
        left_out.append("thousands separators")
    told = []
    other = "," if decimal == "." else "."
    if left_out:
        told.append(f"{' and '.join(left_out)} are left out")
    if written.separators and not numbers.alone:
        told.append(f"--decimal {other} takes these for the decimal mark")
    if written.percent:
        told.append("in percent, 12 stands for 12 %")
    note = f"read as numbers: {'; '.join(told)}" if told else None
    return _Kind(Column(name, "number", written), note=note)


def _decimal_of(cells: Mapping[str, TextCells]) -> DecimalMark:
    """A comma where some column cannot be read without, and no column needs a point."""
    if any(one.by_point.alone and one.are_numbers(".") for one in cells.values()):
        return "."
    needed = any(one.by_comma.alone and one.are_numbers(",") for one in cells.values())
    return "," if needed else "."


def _mixed_signs(name: str, cells: TextCells, decimal: DecimalMark) -> Problem | None:
    """Cells that are no numbers of one unit."""
    signs = cells.numbers(decimal).signs
    as_text = {"categorical": (name,)}
    either = (
        f"mend the file, or --numeric '{name}' takes the numbers as they stand, or --categorical "
        f"'{name}' all of it as text"
    )
    if len(signs.currencies) > 1:
        named = ", ".join(sorted(signs.currencies))
        return Problem(f"column '{name}' holds amounts in {named}: {either}", as_text)
    if 0 < signs.percents < cells.present:
        return Problem(
            f"column '{name}' holds {signs.percents} numbers with a percent sign and "
            f"{cells.present - signs.percents} without: {either}",
            as_text,
        )
    return None


def _gaps(name: str, cells: TextCells, numbers: int) -> Problem:
    words = gap_words(cells.gaps)
    flags = " ".join(map(quoted, cells.gaps))
    them = "them as gaps" if sum(cells.gaps.values()) > 1 else "it as a gap"
    return Problem(
        f"column '{name}' holds {numbers} numbers and {words}: --missing {flags} takes {them}, "
        f"--categorical '{name}' all of the column as text",
        {"missing": tuple(cells.gaps)},
    )


def _other_mark(name: str, cells: TextCells, mark: DecimalMark, *, is_asked: bool) -> Problem:
    has, others = ("comma", "point") if mark == "," else ("point", "comma")
    why = "--decimal asks for" if is_asked else "other columns have"
    return Problem(
        f"column '{name}' holds numbers with a decimal {has} such as "
        f"'{(cells.numbers(mark).example or '')[:40]}', where {why} a {others}: mend the file, or "
        f"--categorical '{name}' takes it as text",
        {"categorical": (name,)},
    )


def _mixed(name: str, cells: TextCells, decimal: DecimalMark) -> Problem:
    numbers = cells.numbers(decimal)
    row, word = numbers.word or (0, "")
    gaps = f", and {gap_words(cells.gaps)}" if cells.gaps else ""
    others = cells.present - numbers.count - sum(cells.gaps.values())
    return Problem(
        f"column '{name}' mixes {numbers.count} numbers with {others} other texts, the first "
        f"'{word[:40]}' in row {row}{gaps}: mend the file, or --categorical '{name}' takes all of "
        "it as text",
        {"categorical": (name,)},
    )


def _grouped_notes(notes: Mapping[str, str]) -> Iterator[str]:
    """One note for all columns of which the same is to be said."""
    alike: dict[str, list[str]] = {}
    for name, note in notes.items():
        alike.setdefault(note.replace(f"'{name}'", "NAME"), []).append(name)
    for note, names in alike.items():
        if len(names) == 1:
            yield f"column '{names[0]}' is {note.replace('NAME', repr(names[0]))}"
        else:
            yield f"columns {listed(names)} are {note}"


def listed(names: Sequence[str]) -> str:
    """The first of some names, quoted, and how many more there are."""
    shown = ", ".join(f"'{name}'" for name in names[:5])
    return shown + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _check_names(source: str, names: Sequence[str], asked: Asked) -> None:
    given = {
        "--numeric": asked.numeric, "--categorical": asked.categorical, "--date": asked.dates,
        "--ignore": asked.ignored, "--fold-case": asked.folded,
    }  # fmt: skip
    problems = [
        Problem(
            f"{flag} names '{name}'; the columns are {', '.join(names[:30])}"
            f"{did_you_mean(name, names)}"
        )
        for flag, wanted in given.items()
        for name in wanted
        if name not in names
    ]
    if problems:
        raise invalid_table(source, problems)


def _not_a_feature(dtype: pl.DataType) -> str | None:
    if dtype.is_temporal():
        return "times: a number of seconds or hours could be learned from"
    if dtype.is_nested() or dtype in (pl.Binary, pl.Object):
        return f"{dtype}, neither numbers nor text"
    return None
