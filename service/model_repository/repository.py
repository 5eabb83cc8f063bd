"""Which models and versions exist, which of them are served, and why others are not."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Generic, TypeVar

from service.errors import (
    BrokenVersion,
    ModelNotFound,
    NotReady,
    RepositoryInvalid,
    VersionNotFound,
)
from service.model_repository.layout import (
    PublishedVersion,
    model_folders,
    read_version,
    version_folders,
)

Served = TypeVar("Served")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class VersionStatus(Generic[Served]):
    """One version: opened, or the reason why not."""

    number: int
    opened: Served | None
    reason: str = ""


@dataclass(frozen=True)
class ModelStatus(Generic[Served]):
    """One model and its versions, oldest first."""

    name: str
    versions: tuple[VersionStatus[Served], ...]

    @cached_property
    def newest_ready(self) -> VersionStatus[Served] | None:
        """The version that answers when none is named."""
        return next((v for v in reversed(self.versions) if v.opened is not None), None)


@dataclass
class ModelRepository(Generic[Served]):
    """The models under `root`; `open_version` turns files into what serves them.

    `load` replaces the whole table of models by one assignment, so a reader sees the old
    table or the new one and never a mixture.
    """

    root: Path
    open_version: Callable[[PublishedVersion], Served]
    _models: Mapping[str, ModelStatus[Served]] | None = field(default=None, init=False)

    def check(self) -> None:
        """Raise RepositoryInvalid unless `root` holds at least one version of one model."""
        if not self.root.is_dir():
            raise RepositoryInvalid(f"there is no model repository at {self.root}")
        try:
            empty = not any(version_folders(folder) for folder in model_folders(self.root))
        except OSError as exc:
            raise RepositoryInvalid(f"{self.root} cannot be read: {exc.strerror}") from exc
        if empty:
            raise RepositoryInvalid(
                f"no model is published in {self.root}: expected <name>/<version>/model.onnx; "
                "python -m training fit publishes one"
            )

    def load(self) -> None:
        """Open every version of every model; one that fails is kept with its reason."""
        self._models = {
            folder.name: self._load_model(folder)
            for folder in model_folders(self.root)
            if version_folders(folder)
        }

    def _load_model(self, folder: Path) -> ModelStatus[Served]:
        versions = tuple(
            self._load_version(path, name=folder.name, number=number)
            for number, path in version_folders(folder).items()
        )
        return ModelStatus(folder.name, versions)

    def _load_version(self, path: Path, *, name: str, number: int) -> VersionStatus[Served]:
        try:
            files = read_version(path, root=self.root, name=name, number=number)
            opened = self.open_version(files)
        except BrokenVersion as exc:
            _log.error("model %s version %d is not served: %s", name, number, exc)
            return VersionStatus(number, None, str(exc))
        _log.info("model %s version %d is ready", name, number)
        return VersionStatus(number, opened)

    @property
    def loaded(self) -> bool:
        """Whether `load` has finished."""
        return self._models is not None

    @property
    def ready(self) -> bool:
        """Whether every model has a version that passed its checks."""
        return self._models is not None and all(
            model.newest_ready is not None for model in self._models.values()
        )

    def models(self) -> tuple[ModelStatus[Served], ...]:
        """Every model by name; none before `load` has finished."""
        return tuple((self._models or {}).values())

    def model(self, name: str) -> ModelStatus[Served]:
        """The model of that name. Raises ModelNotFound, or NotReady while loading."""
        if self._models is None:
            raise NotReady("the models are still loading")
        if name not in self._models:
            raise ModelNotFound(f"there is no model '{name[:64]}' here")
        return self._models[name]

    def version(self, name: str, number: int | None = None) -> Served:
        """What serves the version, or the newest ready one.

        Raises ModelNotFound, VersionNotFound, or NotReady with the reason.
        """
        model = self.model(name)
        if number is None:
            newest = model.newest_ready
            if newest is None or newest.opened is None:
                reason = model.versions[-1].reason
                raise NotReady(f"no version of '{name}' is ready; the newest: {reason}")
            return newest.opened
        status = self.version_status(name, number)
        if status.opened is None:
            raise NotReady(f"version {number} of '{name}' is not ready: {status.reason}")
        return status.opened

    def version_status(self, name: str, number: int) -> VersionStatus[Served]:
        """The state of one version. Raises ModelNotFound and VersionNotFound."""
        model = self.model(name)
        for status in model.versions:
            if status.number == number:
                return status
        known = ", ".join(str(status.number) for status in model.versions)
        raise VersionNotFound(f"'{name}' has no version {number}; it has: {known}")
