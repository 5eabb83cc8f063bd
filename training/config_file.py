"""The settings of a run out of a preset, a TOML file and flags."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from training.config import RunConfig
from training.errors import ConfigInvalid

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
        _read_toml(_PRESETS / f"{preset}.toml") if preset is not None else {},
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
        sentences = [_sentence(error, flags, kind) for error in exc.errors(include_url=False)]
        raise ConfigInvalid("; ".join(sentences)) from exc


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise ConfigInvalid(f"{path}: cannot be read: {exc.strerror}") from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise ConfigInvalid(f"{path}: is not TOML: {exc}") from exc


def _sentence(error: Any, flags: Mapping[str, Any], kind: type[RunConfig]) -> str:
    message = error["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    if not error["loc"]:
        return str(message)
    name = str(error["loc"][0])
    if error["type"] == "extra_forbidden":
        return f"{name}: unknown setting; known: {', '.join(kind.model_fields)}"
    shown = "--" + name.replace("_", "-") if name in flags else name
    if ", got " in message:
        # Whoever raised it has told already what came.
        return f"{shown}: {message}"
    if not message.startswith("expected"):
        message = f"expected {message}"
    return f"{shown}: {message}, got {error['input']!r}"
