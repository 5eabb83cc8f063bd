"""A published version, opened by the very classes that serve it."""

from pathlib import Path

from service.inference.predictor import Predictor, open_version
from service.model_repository.layout import read_version, version_number
from training.errors import TableInvalid


def open_folder(folder: Path) -> Predictor:
    """Open <models>/<name>/<version>, checksum and self-test included. Raises BrokenVersion."""
    whole = folder.absolute()
    number = version_number(whole.name)
    if number is None or not whole.is_dir():
        raise TableInvalid(
            f"{folder}: there is no published version: expected a folder such as models/digits/1"
        )
    name = whole.parent.name
    return open_version(read_version(whole, root=whole.parent.parent, name=name, number=number))
