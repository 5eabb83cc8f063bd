"""A published version, opened by the very classes that serve it."""

from pathlib import Path

from service.inference.predictor import Predictor, open_version
from service.model_repository.layout import read_version, version_folders, version_number
from service.nearest import nearest
from training.errors import TableInvalid

_MODELS = Path("models")
_SHOWN = 12


def version_folder(folder: Path) -> Path:
    """<models>/<name>/<version> itself, or of <models>/<name> that of the newest version.

    Raises TableInvalid where there is none.
    """
    whole = folder.absolute()
    is_version = version_number(whole.name) is not None
    if is_version and whole.is_dir():
        return folder
    if not is_version and (versions := _versions(folder)):
        return versions[max(versions)]
    raise TableInvalid(f"{folder}: there is no published version{_instead(folder)}")


def open_folder(folder: Path) -> Predictor:
    """Open the version in a folder, checksum and self-test included. Raises BrokenVersion."""
    whole = version_folder(folder).absolute()
    root, name = whole.parent.parent, whole.parent.name
    return open_version(read_version(whole, root=root, name=name, number=int(whole.name)))


def _versions(model: Path) -> dict[int, Path]:
    return dict(version_folders(model)) if model.is_dir() else {}


def _instead(folder: Path) -> str:
    """What there is: versions of the model, or a model that is called alike."""
    is_version = version_number(folder.name) is not None
    model = folder.parent if is_version else folder
    versions = _versions(model)
    if versions:
        return f"; of {model} there are: {', '.join(map(str, sorted(versions)))}"
    here = [path.name for path in _folders(folder) if _versions(path)]
    if here:
        return f"; of the models in it, name one: {', '.join(here[:_SHOWN])}"
    for models in (model.parent, _MODELS):
        known = [path.name for path in _folders(models) if _versions(path)]
        found = nearest(model.name, known)
        if found is not None:
            return f'; did you mean "{models / found}"?'
    return ": expected a folder such as models/digits/1, or models/digits for its newest version"


def _folders(models: Path) -> list[Path]:
    return sorted(path for path in models.iterdir() if path.is_dir()) if models.is_dir() else []
