"""What settings are called: in code and files, as flags, and in American spelling."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from service.nearest import did_you_mean, nearest
from training.errors import ConfigInvalid

_AMERICAN = {"optimizer": "optimiser", "batch_normalization": "batch_normalisation"}


def flag(name: str) -> str:
    """`learning_rate` as it is said on the command line."""
    return "--" + name.replace("_", "-")


def other_flags(name: str) -> list[str]:
    """The same flag in other spellings."""
    return [flag(other) for other, known in _AMERICAN.items() if known == name]


def known_name(name: str) -> str:
    """A setting's name as the code has it: `-` is `_`, and either spelling of English will do."""
    plain = name.strip().replace("-", "_")
    return _AMERICAN.get(plain, plain)


def with_known_names(source: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a file by the names that the code has. Raises ConfigInvalid."""
    found: dict[str, Any] = {}
    for given, value in settings.items():
        name = known_name(given)
        if name in found:
            raise ConfigInvalid(f"{source}: {given} and another spelling of it: expected one")
        found[name] = value
    return found


def unknown_setting(name: str, known: Iterable[str], elsewhere: Collection[str]) -> str:
    """What is wrong with a name that no setting has: the nearest one, or all of them.

    Those `elsewhere` are settings of `select` alone.
    """
    names = list(known)
    if name in elsewhere:
        return "is a setting of select, and not of fit"
    if nearest(name, names) is not None:
        return f"unknown setting{did_you_mean(name, names)}"
    return f"unknown setting; known: {', '.join(names)}"
