"""The service's settings, from flags and MLPSERVE_... variables: the only reader of either."""

import argparse
import os
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, NoReturn

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from service import VERSION
from service.cores import available_cores
from service.errors import SettingsInvalid
from service.nearest import did_you_mean

PREFIX = "MLPSERVE_"
_EXPECTED = {"int_parsing": "a whole number", "float_parsing": "a number"}
_ORIGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#,\s]+")
_MOST_ROWS, _MOST_WORKERS = 10_000, 256


def _known_batching(value: str) -> str:
    if value not in ("off", "auto") and not (value.isdecimal() and 1 <= int(value) <= _MOST_ROWS):
        raise ValueError(f"off, auto or a number from 1 to {_MOST_ROWS}")
    return value


def _words(value: object) -> object:
    return re.findall(r"[^\s,]+", value) if isinstance(value, str) else value


def _known_origin(value: str) -> str:
    if value != "*" and not _ORIGIN.fullmatch(value):
        raise ValueError("origins such as https://app.example.com, without a path, or * for any")
    return value.lower()


class Settings(BaseModel):
    """Every choice that the operator has."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    models: Annotated[Path, Field(description="the model repository to serve")] = Path("models")
    host: Annotated[str, Field(description="the address to listen on")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="the port; 0 takes a free one")] = 8000
    workers: int = Field(
        default_factory=lambda: min(available_cores(), _MOST_WORKERS),
        ge=1,
        le=_MOST_WORKERS,
        description="server processes on the one port",
    )
    batching: Annotated[
        str,
        Field(
            description="rows of several requests that may run together: off, auto (as many as "
            "make a row cheaper) or a number"
        ),
        AfterValidator(_known_batching),
    ] = "auto"
    waiting_rows: Annotated[
        int, Field(ge=1, description="rows that may wait for a model; more are told to come later")
    ] = 100_000
    body_limit_bytes: Annotated[
        int, Field(ge=1024, description="the largest request body that is read")
    ] = 16 * 1024 * 1024
    bodies_limit_bytes: Annotated[
        int,
        Field(
            ge=1024,
            description="bytes of the bodies that a worker holds at a time; more are told to come "
            "later",
        ),
    ] = 256 * 1024 * 1024
    head_limit_bytes: Annotated[
        int, Field(ge=1024, description="the largest request line and headers that are read")
    ] = 64 * 1024
    row_limit: Annotated[
        int, Field(ge=1, description="rows, or points of a curve, in one request")
    ] = 10_000
    load_limit_s: Annotated[
        float, Field(gt=0, le=3600, description="seconds that a version may take to be ready")
    ] = 20.0
    drain_limit_s: Annotated[
        float,
        Field(ge=0, le=3600, description="seconds that requests have to end in after a signal"),
    ] = 20.0
    run_limit_s: Annotated[
        float, Field(gt=0, le=3600, description="seconds that a run of a model may take")
    ] = 30.0
    cors_origin: Annotated[
        tuple[Annotated[str, AfterValidator(_known_origin)], ...],
        BeforeValidator(_words),
        Field(
            description="the origins whose pages a browser lets ask, such as "
            "https://app.example.com, or * for any"
        ),
    ] = ()
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Field(description="the least to log")
    ] = "info"


def read_settings(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Settings from flags, else from the environment, else the defaults.

    Raises SettingsInvalid with a sentence for every value that does not fit.
    """
    flags = _flags(arguments)
    variables = {
        name: environment[variable]
        for name in Settings.model_fields
        if (variable := PREFIX + name.upper()) in environment
    }
    try:
        return Settings.model_validate({**variables, **flags})
    except ValidationError as exc:
        sentences = [
            f"{_source(str(error['loc'][0]), flags)}: "
            f"expected {_EXPECTED.get(error['type'], _expected(error['msg']))}, "
            f"got {error['input']!r}"
            for error in exc.errors(include_url=False)
        ]
        raise SettingsInvalid("; ".join(sentences)) from exc


def _expected(message: str) -> str:
    return message.removeprefix("Input should be ").removeprefix("Value error, ")


def process_environment() -> Mapping[str, str]:
    """The variables that this process was started with."""
    return os.environ


def _source(name: str, flags: Collection[str]) -> str:
    return "--" + name.replace("_", "-") if name in flags else PREFIX + name.upper()


class _Parser(argparse.ArgumentParser):
    """argparse's, which raises SettingsInvalid in place of leaving the process."""

    def error(self, message: str) -> NoReturn:
        """Raise what argparse has found."""
        said = message.removeprefix("argument ")
        raise SettingsInvalid(f"{said}; {self.prog} --help lists the settings")


def _flags(arguments: Sequence[str]) -> dict[str, str | list[str]]:
    found, left = _parser().parse_known_args(arguments)
    if left:
        said = next((word for word in left if word.startswith("-")), left[0])
        name = said.partition("=")[0]
        known = ["--" + name.replace("_", "-") for name in Settings.model_fields]
        meant = did_you_mean(name, known) or "; python -m service --help lists the settings"
        kind = "unknown flag" if name.startswith("-") else "expected flags, got"
        raise SettingsInvalid(f"{kind} {name}{meant}")
    return {name: value for name, value in vars(found).items() if value is not None}


def _shown_default(field: FieldInfo) -> object:
    default = field.get_default(call_default_factory=True)
    return "none" if default == () else default


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m service",
        description="Serve every model of a model repository over HTTP.",
        epilog="example: python -m service --models models --port 8000\n\n"
        f"Each flag can also be given as a variable: --row-limit as {PREFIX}ROW_LIMIT.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"mlpserve {VERSION}")
    for name, field in Settings.model_fields.items():
        parser.add_argument(
            "--" + name.replace("_", "-"),
            nargs="+" if field.default == () else None,
            metavar=name.rsplit("_", 1)[-1].upper(),
            help=f"{field.description} (default: {_shown_default(field)})",
        )
    return parser
