"""Whether text is dates, in which form, and what settles it where that is open."""

from service.inference.dates import ISO
from service.model_repository.signature import DateForm
from training.errors import Problem
from training.tables.date_cells import written
from training.tables.gap_words import gap_words, quoted
from training.tables.text_cells import TextCells

# Digits alone may be a number; of a year of two digits a day or a month may be taken.
_NUMBERS: DateForm = "yyyymmdd"
_SHORT: tuple[DateForm, ...] = ("dd/mm/yy", "mm/dd/yy", "dd.mm.yy", "dd-mmm-yy")


def looks_like_dates(name: str, cells: TextCells) -> str | None:
    """What is to be said of numbers that may be dates; it follows the column's name and "is"."""
    if _NUMBERS not in cells.dates.forms(cells.present):
        return None
    return (
        f"taken as numbers, though it may hold dates such as {cells.dates.example}; "
        f"--date '{name}={_NUMBERS}' takes dates"
    )


def found_form(name: str, cells: TextCells) -> DateForm | Problem | None:
    """The form of a column that nothing was said of; None where it is not one of dates."""
    gaps = sum(cells.gaps.values())
    forms = cells.dates.forms(cells.present - gaps)
    if _NUMBERS in forms:
        return None
    if forms:
        return _one_of(name, forms, cells) if not gaps else _gaps(name, cells)
    if (
        cells.distinct is None
        and cells.dates.commonest[0] != _NUMBERS
        and 2 * cells.dates.commonest[1] > cells.present
    ):
        return _mixed(name, cells)
    return None


def asked_form(name: str, cells: TextCells | None) -> DateForm | Problem:
    """The form of a column that is asked for as one of dates, without a word of how."""
    if cells is None:
        return ISO
    forms = cells.dates.forms(cells.present - sum(cells.gaps.values()))
    return _one_of(name, forms, cells) if forms else cells.dates.commonest[0]


def _one_of(name: str, forms: tuple[DateForm, ...], cells: TextCells) -> DateForm | Problem:
    is_short = any(form in _SHORT for form in forms)
    if len(forms) == 1 and not is_short:
        return forms[0]
    why = "whose year has two digits" if is_short else "and no day above 12"
    told = "takes them so" if len(forms) == 1 else "says which is the day"
    either = " or ".join(f"--date '{name}={form}'" for form in forms)
    return Problem(
        f"column '{name}' holds dates such as '{cells.dates.example}', {why}: {either} {told}, "
        f"--ignore '{name}' leaves it out",
        {"ignore": (name,)},
    )


def _gaps(name: str, cells: TextCells) -> Problem:
    count = cells.present - sum(cells.gaps.values())
    flags = " ".join(map(quoted, cells.gaps))
    them = "them as gaps" if sum(cells.gaps.values()) > 1 else "it as a gap"
    return Problem(
        f"column '{name}' holds {count} dates and {gap_words(cells.gaps)}: --missing {flags} takes "
        f"{them}, --categorical '{name}' all of the column as text",
        {"missing": tuple(cells.gaps)},
    )


def _mixed(name: str, cells: TextCells) -> Problem:
    form, count = cells.dates.commonest
    row, other = cells.dates.others.get(form) or (0, "")
    return Problem(
        f"column '{name}' mixes {count} dates such as {written(form)} with {cells.present - count} "
        f"other texts, the first '{other[:40]}' in row {row}: mend the file, or --missing "
        f"{quoted(other[:40])} takes such cells as gaps, --ignore '{name}' leaves it out",
        {"ignore": (name,)},
    )
