"""Whether text is dates, in which form, and what settles it where that is open."""

from service.inference.dates import ISO
from service.model_repository.signature import DateForm
from training.errors import Problem
from training.tables.date_cells import written
from training.tables.gap_words import gap_words, quoted
from training.tables.text_cells import TextCells


def found_form(name: str, cells: TextCells) -> DateForm | Problem | None:
    """The form of a column that nothing was said of; None where it is not one of dates."""
    gaps = sum(cells.gaps.values())
    forms = cells.dates.forms(cells.present - gaps)
    if forms:
        return _one_of(name, forms, cells) if not gaps else _gaps(name, cells)
    if cells.distinct is None and 2 * cells.dates.commonest[1] > cells.present:
        return _mixed(name, cells)
    return None


def asked_form(name: str, cells: TextCells | None) -> DateForm | Problem:
    """The form of a column that is asked for as one of dates, without a word of how."""
    if cells is None:
        return ISO
    forms = cells.dates.forms(cells.present - sum(cells.gaps.values()))
    return _one_of(name, forms, cells) if forms else cells.dates.commonest[0]


def _one_of(name: str, forms: tuple[DateForm, ...], cells: TextCells) -> DateForm | Problem:
    if len(forms) == 1:
        return forms[0]
    either = " or ".join(f"--date '{name}={form}'" for form in forms)
    return Problem(
        f"column '{name}' holds dates such as '{cells.dates.example}', and no day above 12: "
        f"{either} says which is the day, --ignore '{name}' leaves it out",
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
    row, other = cells.dates.others.get(form, (0, ""))
    return Problem(
        f"column '{name}' mixes {count} dates such as {written(form)} with {cells.present - count} "
        f"other texts, the first '{other[:40]}' in row {row}: mend the file, or --missing "
        f"{quoted(other[:40])} takes such cells as gaps, --ignore '{name}' leaves it out",
        {"ignore": (name,)},
    )
