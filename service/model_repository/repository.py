"""Which models and versions exist, which of them are served, and why others are not."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from service.errors import (
    BrokenVersion,
    ModelNotFound,
    NotReady,
    RepositoryInvalid,
    TrialUnfinished,
    VersionNotFound,
)
from service.model_repository.layout import (
    PublishedVersion,
    VersionFolder,
    model_folders,
    read_version,
    version_folders,
)
from service.nearest import listed, there_are
from service.wording import shortened

Served = TypeVar("Served")
_LOADING = "it is still loading"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class VersionStatus(Generic[Served]):
    """One version: opened, or the reason why not."""

    number: int
    opened: Served | None
    reason: str = ""
    loading: bool = False


@dataclass(frozen=True)
class ModelStatus(Generic[Served]):
    """One model and its versions, oldest first; `reason` says why those are not known."""

    name: str
    versions: tuple[VersionStatus[Served], ...]
    reason: str = ""

    @cached_property
    def newest_ready(self) -> VersionStatus[Served] | None:
        """The version that answers when none is named."""
        return next((v for v in reversed(self.versions) if v.opened is not None), None)


class TryVersion(Protocol):
    """Tries a version where it can do no harm, and tells the fingerprint of its files.

    Raises BrokenVersion, or TrialUnfinished unless it is `patient`.
    """

    def __call__(self, version: VersionFolder, /, *, patient: bool) -> str: ...


@dataclass
class ModelRepository(Generic[Served]):
    """The models under `root`; `open_version` turns files into what serves them.

    Where there is `try_version`, a version is tried before it is opened.

    Whenever a version has loaded or failed, the whole table of models is replaced by one
    assignment, so a reader sees the old table or the new one and never a mixture.
    """

    root: Path
    open_version: Callable[[PublishedVersion], Served]
    try_version: TryVersion | None = None
    _models: Mapping[str, ModelStatus[Served]] | None = field(default=None, init=False)
    _loaded: bool = field(default=False, init=False)
    _failure: str = field(default="", init=False)

    def check(self) -> None:
        """Raise RepositoryInvalid unless `root` holds at least one version of one model."""
        if not self.root.is_dir():
            raise RepositoryInvalid(f"there is no model repository at {self.root}")
        try:
            models, _ = self._listed()
        except OSError as exc:
            raise RepositoryInvalid(f"{self.root} cannot be read: {exc.strerror}") from exc
        if not models:
            raise RepositoryInvalid(
                f"no model is published in {self.root}: expected <name>/<version>/model.onnx; "
                "python -m training fit publishes one"
            )

    def load(self) -> None:
        """Open every version of every model, the newest first; one that fails has its reason.

        Those that take long to try come last, when the others are served.
        """
        try:
            self._models, found = self._listed()
        except OSError as exc:
            self._failure = f"the model repository cannot be read: {exc.strerror}"
            _log.critical("no model is served: %s", self._failure)
            return
        for model in self.models():
            if model.reason:
                _log.error("model %s is not served: %s", model.name, model.reason)
        slow = [version for version in sorted(found) if not self._load(version, patient=False)]
        self._loaded = True
        for version in slow:
            self._load(version, patient=True)

    def _load(self, version: VersionFolder, *, patient: bool) -> bool:
        try:
            self._settle(version.name, self._load_version(version, patient=patient))
        except TrialUnfinished:
            _log.info("model %s version %d takes long to try", version.name, version.number)
            return False
        return True

    def _listed(self) -> tuple[dict[str, ModelStatus[Served]], list[VersionFolder]]:
        """Every model with its versions about to load, and the versions. Raises OSError."""
        models: dict[str, ModelStatus[Served]] = {}
        found: list[VersionFolder] = []
        for folder in model_folders(self.root):
            try:
                versions = version_folders(folder)
            except OSError as exc:
                reason = f"its folder cannot be read: {exc.strerror}"
                models[folder.name] = ModelStatus(folder.name, (), reason)
                continue
            if versions:
                models[folder.name] = ModelStatus(folder.name, _about_to_load(versions))
            for newer, (number, path) in enumerate(reversed(versions.items())):
                found.append(VersionFolder(newer, folder.name, number, path))
        return models, found

    def _load_version(self, version: VersionFolder, *, patient: bool) -> VersionStatus[Served]:
        name, number = version.name, version.number
        try:
            tried = self.try_version and self.try_version(version, patient=patient)
            files = read_version(version.folder, root=self.root, name=name, number=number)
            if tried is not None and tried != files.fingerprint:
                raise BrokenVersion("its files changed while they were loaded")
            opened = self.open_version(files)
        except TrialUnfinished:
            raise
        except BrokenVersion as exc:
            reason = shortened(str(exc))
            _log.error("model %s version %d is not served: %s", name, number, reason)
            return VersionStatus(number, None, reason)
        except Exception as exc:  # noqa: BLE001 - it is told, and logged whole
            # Whatever is wrong with one version, the others are served.
            _log.exception("model %s version %d is not served", name, number)
            return VersionStatus(number, None, f"it cannot be loaded: {type(exc).__name__}")
        _log.info("model %s version %d is ready", name, number)
        return VersionStatus(number, opened)

    def _settle(self, name: str, settled: VersionStatus[Served]) -> None:
        assert self._models is not None
        model = self._models[name]
        versions = tuple(settled if v.number == settled.number else v for v in model.versions)
        self._models = {**self._models, name: replace(model, versions=versions)}

    @property
    def loaded(self) -> bool:
        """Whether every version has loaded, failed, or is known to take long."""
        return self._loaded

    @property
    def failure(self) -> str:
        """Why there are no models at all, if that is so."""
        return self._failure

    @property
    def ready(self) -> bool:
        """Whether all is loaded, and every model has a version that passed its checks."""
        return self._loaded and all(model.newest_ready is not None for model in self.models())

    def models(self) -> tuple[ModelStatus[Served], ...]:
        """Every model by name; none before their folders have been read."""
        return tuple((self._models or {}).values())

    def model(self, name: str) -> ModelStatus[Served]:
        """The model of that name. Raises ModelNotFound, or NotReady where none is known yet."""
        if self._models is None:
            raise NotReady(self._failure or "the models are still loading")
        if name not in self._models:
            raise ModelNotFound(
                f"there is no model '{name[:64]}' here{there_are(name, self._models)}"
            )
        return self._models[name]

    def version(self, name: str, number: int | None = None) -> Served:
        """What serves the version, or the newest ready one.

        Raises ModelNotFound, VersionNotFound, or NotReady with the reason.
        """
        model = self.model(name)
        if number is None:
            newest = model.newest_ready
            if newest is None or newest.opened is None:
                reason = model.reason or f"the newest: {model.versions[-1].reason}"
                raise NotReady(f"no version of '{name}' is ready; {reason}")
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
        known = listed([str(status.number) for status in reversed(model.versions)])
        raise VersionNotFound(f"'{name}' has no version {number}; there are: {known}")


def _about_to_load(numbers: Iterable[int]) -> tuple[VersionStatus[Served], ...]:
    return tuple(VersionStatus(number, None, _LOADING, loading=True) for number in numbers)
