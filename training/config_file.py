"""The settings of a run out of a preset, a TOML file and flags."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from service.nearest import did_you_mean
from training.config import RunConfig
from training.errors import ConfigInvalid
from training.paths import no_such_file
from training.setting_errors import LIST_IN_FILE, told
from training.setting_names import with_known_names

_Config = TypeVar("_Config", bound=RunConfig)
_PRESETS = Path(__file__).parent / "presets"


def presets() -> list[str]:
    """The names of the presets."""
    return sorted(path.stem for path in _PRESETS.glob("*.toml"))


def read_config(
    path: Path | None, flags: Mapping[str, Any], preset: str | None = None
) -> RunConfig:
    """The settings of a fit. Raises ConfigInvalid."""
    return read_settings(RunConfig, path, flags, preset)


def read_settings(
    kind: type[_Config],
    path: Path | None,
    flags: Mapping[str, Any],
    preset: str | None = None,
) -> _Config:
    """The settings of a preset, overruled by a TOML file, overruled by flags.

    Raises ConfigInvalid.
    """
    content: dict[str, Any] = {}
    for layer in (
        _read_toml(_preset(preset)) if preset is not None else {},
        _read_toml(path) if path is not None else {},
        flags,
    ):
        if "data" in layer or "dataset" in layer:
            # Whoever names other data means to use the rest of what was set so far.
            content = {k: v for k, v in content.items() if k not in ("data", "dataset", "name")}
        content |= layer
    if content.get("test") is not None and content.get("test_fraction") is not None:
        raise ConfigInvalid("expected either --test or --test-fraction, got both")
    try:
        return kind.model_validate(content)
    except ValidationError as exc:
        raise ConfigInvalid(told(exc, kind, LIST_IN_FILE, flags, path)) from exc


def _preset(name: str) -> Path:
    if name not in presets():
        raise ConfigInvalid(
            f"--preset: expected one of {', '.join(presets())}, got '{name}'"
            f"{did_you_mean(name, presets())}"
        )
    return _PRESETS / f"{name}.toml"


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return with_known_names(str(path), tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as exc:
        raise ConfigInvalid(no_such_file(path)) from exc
    except OSError as exc:
        raise ConfigInvalid(f"{path}: cannot be read: {exc.strerror}") from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise ConfigInvalid(f"{path}: is not TOML: {exc}") from exc
