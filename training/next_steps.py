"""What can be done with a version that has just been published, in commands that can be pasted."""

import json
import os
import re
import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from service.model_repository.example import example_body
from service.model_repository.manifest import Manifest
from training.screen import columns

_PASSWORD = re.compile(r"(://[^:/@\s]+):[^@\s]+@")
# Of more numbers than that, a row is made up by the shell.
_MOST_PRINTED = 64
_CARDS = ("report.html", "card.md")


def next_lines(folder: Path, manifest: Manifest) -> Iterator[str]:
    """How to serve a version, ask it over HTTP, classify a file with it, and where its card is."""
    models, name = folder.parent.parent, folder.parent.name
    yield "next: serve it; a service that is running takes it up when it is started again"
    yield f"  {_serving(models)}"
    yield "then ask it, of a made-up row"
    yield from _asking(name, manifest)
    yield "classify the rows of a file"
    asked = f"{_said(folder.parent)} --data FILE --out predictions.csv"
    yield f"  {python()} -m training predict {asked}"
    card = next((folder / card for card in _CARDS if (folder / card).exists()), None)
    if card is not None:
        yield "read its card"
        yield f"  {card}"


def python() -> str:
    """The interpreter that runs this, as one would type it here."""
    path = Path(sys.executable)
    here = Path.cwd()
    return _said(path.relative_to(here) if path.is_relative_to(here) else path)


def command_line(arguments: Sequence[str], flag: str) -> str:
    """The command of these arguments with another flag; a password in a URL is not repeated."""
    kept = [word for word in arguments if word not in ("--resume", "--publish-best")]
    said = _PASSWORD.sub(r"\1:PASSWORD@", shlex.join([*kept, flag]))
    return f"{python()} -m training {said}"


def _serving(models: Path) -> str:
    is_default = Path("Makefile").exists() and models.absolute() == Path("models").absolute()
    return "make serve" if is_default else f"{python()} -m service --models {_said(models)}"


def _asking(name: str, manifest: Manifest) -> Iterator[str]:
    curl = f"curl -s localhost:8000/v1/models/{name}:predict -H 'content-type: application/json' -d"
    features = manifest.signature.features
    if len(features) > _MOST_PRINTED and all(one.dtype == "float32" for one in features):
        row = f'import json; print(json.dumps({{"instances": [[0] * {len(features)}]}}))'
        yield f"  {python()} -c '{row}' |"
        yield f"    {curl} @-"
        return
    yield f"  {curl} '"
    lines = list(_wrapped(_pieces(example_body(manifest)["instances"])))
    yield from (f"    {line}" for line in lines[:-1])
    yield f"    {lines[-1]}'"


def _pieces(instances: object) -> Iterator[str]:
    """The JSON of one row, cut where a line may end; no quote of the shell is in it."""
    assert isinstance(instances, list)
    row = instances[0]
    if isinstance(row, dict):
        cells = [f"{json.dumps(name)}: {json.dumps(cell)}" for name, cell in row.items()]
        first, last = "{", "}"
    else:
        cells = list(map(json.dumps, row))
        first, last = "[", "]"
    cells[0] = f'{{"instances": [{first}{cells[0]}'
    cells[-1] += f"{last}]}}"
    for place, cell in enumerate(cells, start=1):
        yield cell.replace("'", "\\u0027") + ("," if place < len(cells) else "")


def _wrapped(pieces: Iterable[str]) -> Iterator[str]:
    """Pieces with blanks between them, in lines as long as they may be."""
    line, width = "", columns() - 5
    for piece in pieces:
        if line and len(line) + 1 + len(piece) > width:
            yield line
            line = piece
        else:
            line = f"{line} {piece}" if line else piece
    yield line


def _said(path: str | os.PathLike[str]) -> str:
    return shlex.quote(str(path))
