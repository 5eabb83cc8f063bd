"""What to say of a path that is not there."""

from itertools import islice
from pathlib import Path

from service.nearest import nearest

_MOST_LOOKED_AT = 10_000


def no_such_file(path: Path) -> str:
    """The sentence: which part of the path is missing, and what is there that is called alike."""
    missing = next(
        (parent for parent in reversed(path.parents) if not parent.exists()),
        path,
    )
    beside = missing.parent
    what = "file or folder" if missing == path else f"folder {missing}"
    found = nearest(missing.name, _names_in(beside))
    if found is None:
        return f"{path}: there is no such {what}"
    return f'{path}: there is no such {what}; did you mean "{beside / found}"?'


def _names_in(folder: Path) -> list[str]:
    try:
        names = (found.name for found in folder.iterdir())
        return sorted(name for name in islice(names, _MOST_LOOKED_AT) if name[0] != ".")
    except OSError:
        return []
