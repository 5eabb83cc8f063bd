"""What bodies are made for: the shipped models' rows, and the activation functions' points."""

from dataclasses import dataclass
from pathlib import Path

from service.inference.features import RowFormat, row_format
from service.model_repository.layout import MANIFEST
from service.model_repository.manifest import Manifest, parse_manifest

EVALUATE_PATHS = tuple(f"/v1/activations/{name}:evaluate" for name in ("relu", "elu", "tanh"))
_MODELS = ("digits", "penguins")


@dataclass(frozen=True)
class Model:
    """A model whose rows are made up; `optional` are the places that null may have."""

    path: str
    manifest: Manifest
    form: RowFormat

    @property
    def optional(self) -> frozenset[int]:
        return frozenset(range(len(self.form.names))) - frozenset(self.form.required)


def shipped(models: Path) -> tuple[Model, ...]:
    """The models that bodies are made for, of a repository that holds version 1 of each."""
    return tuple(_model(models, name) for name in _MODELS)


def _model(models: Path, name: str) -> Model:
    manifest = parse_manifest((models / name / "1" / MANIFEST).read_bytes())
    return Model(f"/v1/models/{name}", manifest, row_format(manifest.signature))
