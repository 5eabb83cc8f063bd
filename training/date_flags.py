"""What --date says: columns, and how their dates are written where that is said."""

import re
from collections.abc import Sequence

from service.inference.dates import FORMS
from service.model_repository.signature import DateForm

_LIKE_A_FORM = re.compile(r"(?=.{6})[dmy]+([/. -][dmy]+)*", re.IGNORECASE)


def asked_dates(entries: Sequence[str]) -> dict[str, DateForm | None]:
    """The columns in order, with their form, or None: of `joined`, or `joined=dd/mm/yyyy`.

    Raises ValueError for a form that there is not.
    """
    asked: dict[str, DateForm | None] = {}
    for entry in entries:
        name, _, said = entry.rpartition("=")
        form = next((form for form in FORMS if form == said.lower()), None)
        if form is None and name and _LIKE_A_FORM.fullmatch(said):
            raise ValueError(f"--date '{name}': expected one of {', '.join(FORMS)}, got '{said}'")
        asked[entry if form is None else name] = form
    return asked
