"""Packages that only some settings need, looked for before anything is read or trained."""

from importlib.util import find_spec

from training.config import RunConfig
from training.errors import ExtraMissing
from training.select_config import SelectConfig

_MAKE = "`make extras` installs it in a checkout"


def require_extras(config: RunConfig) -> None:
    """Raise ExtraMissing if a setting needs a package that is not installed."""
    for said, package in _needed(config).items():
        if find_spec(package) is None:
            raise ExtraMissing(f"{said} needs the package {package}, which is missing: {_MAKE}")


def _needed(config: RunConfig) -> dict[str, str]:
    """What is asked for, and the package that it takes."""
    needed = {}
    if config.tensorboard is not None:
        needed["--tensorboard"] = "tensorboard"
    if config.mlflow is not None:
        needed["--mlflow"] = "mlflow"
    if isinstance(config, SelectConfig):
        if config.search == "tpe":
            needed["--search tpe"] = "optuna"
        if config.storage is not None and config.storage.startswith("postgresql+psycopg:"):
            needed["--storage postgresql+psycopg://..."] = "psycopg"
    return needed
