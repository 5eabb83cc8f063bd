"""Every setting of a run, validated, from flags or a TOML file."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from service.activations.table import TABLE
from service.model_repository.layout import is_model_name
from training.errors import ConfigInvalid

Dataset = Literal["digits", "iris", "wine", "breast-cancer"]


def _as_list(value: object) -> object:
    return value if isinstance(value, list | tuple) else [value]


class RunConfig(BaseModel):
    """What to learn from, what to train and how, and where to publish it."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    dataset: Annotated[
        Dataset | None, Field(description="a built-in data set: digits, iris, wine, breast-cancer")
    ] = None
    data: Annotated[Path | None, Field(description="a CSV file of numbers, with a header")] = None
    target: Annotated[str | None, Field(description="the column of --data to predict")] = None
    name: Annotated[
        str | None, Field(description="the model's name (default: the data set's or file's)")
    ] = None
    models: Annotated[Path, Field(description="the model repository to publish in")] = Path(
        "models"
    )
    hidden: Annotated[
        tuple[Annotated[int, Field(ge=1, le=65536)], ...],
        Field(min_length=1, description="the width of each hidden layer"),
        BeforeValidator(_as_list),
    ] = (64,)
    activation: Annotated[
        str, Field(description="the activation function of the hidden layers, as PyTorch names it")
    ] = "relu"
    dropout: Annotated[
        tuple[Annotated[float, Field(ge=0, lt=1)], ...],
        Field(min_length=1, description="dropout rate: one for all hidden layers, or one for each"),
        BeforeValidator(_as_list),
    ] = (0.5,)
    epochs: Annotated[int, Field(ge=1, description="the most epochs to train")] = 300
    batch_size: Annotated[
        int | None, Field(ge=1, description="rows a step (default: 32, or all if there are fewer)")
    ] = None
    learning_rate: Annotated[float, Field(gt=0, description="step size of SGD")] = 0.02
    momentum: Annotated[float, Field(ge=0, lt=1, description="momentum of SGD")] = 0.9
    weight_decay: Annotated[float, Field(ge=0, description="L2 penalty on the weights")] = 0.003
    patience: Annotated[
        int, Field(ge=1, description="epochs without a lower validation loss before stopping")
    ] = 30
    validation_fraction: Annotated[
        float, Field(gt=0, lt=1, description="share of the rows that choose when to stop")
    ] = 0.15
    test_fraction: Annotated[
        float, Field(gt=0, lt=1, description="share of the rows that are scored once, at the end")
    ] = 0.2
    seed: Annotated[int, Field(ge=0, lt=2**32, description="the one seed of all randomness")] = 1
    threads: Annotated[
        int | None, Field(ge=1, description="PyTorch's threads (default: the cores at hand)")
    ] = None

    @field_validator("activation")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if value not in TABLE:
            raise ValueError(f"expected one of {', '.join(TABLE)}")
        return value

    @field_validator("name")
    @classmethod
    def _is_a_name(cls, value: str | None) -> str | None:
        if value is not None and not is_model_name(value):
            raise ValueError("expected up to 64 letters, digits, '.', '_' or '-', a letter first")
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.data is not None and self.dataset is not None:
            raise ValueError("expected either --dataset or --data, got both")
        if self.data is not None and self.target is None:
            raise ValueError("--data needs --target, the column to predict")
        if self.data is None and self.target is not None:
            raise ValueError("--target goes with --data")
        if len(self.dropout) not in (1, len(self.hidden)):
            raise ValueError(
                f"dropout: expected 1 rate or {len(self.hidden)}, one for each hidden layer, "
                f"got {len(self.dropout)}"
            )
        if self.validation_fraction + self.test_fraction >= 1:
            raise ValueError(
                "validation_fraction and test_fraction: expected less than 1 together, "
                f"got {self.validation_fraction + self.test_fraction:g}"
            )
        return self

    def resolved(self) -> Self:
        """The same run with what depends on the machine, and the defaults of pairs, filled in."""
        dataset = self.dataset or ("digits" if self.data is None else None)
        return self.model_copy(
            update={
                "dataset": dataset,
                "name": self.name or dataset or _name_of(self.data),
                "threads": self.threads or len(os.sched_getaffinity(0)),
                "dropout": self.dropout * len(self.hidden)
                if len(self.dropout) == 1
                else self.dropout,
            }
        )


def read_config(path: Path | None, flags: Mapping[str, Any]) -> RunConfig:
    """The settings of a TOML file, overruled by flags. Raises ConfigInvalid."""
    content = _read_toml(path) if path is not None else {}
    try:
        return RunConfig.model_validate({**content, **flags})
    except ValidationError as exc:
        sentences = [_sentence(error, flags) for error in exc.errors(include_url=False)]
        raise ConfigInvalid("; ".join(sentences)) from exc


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise ConfigInvalid(f"{path}: cannot be read: {exc.strerror}") from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise ConfigInvalid(f"{path}: is not TOML: {exc}") from exc


def _sentence(error: Any, flags: Mapping[str, Any]) -> str:
    message = error["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    if not error["loc"]:
        return str(message)
    name = str(error["loc"][0])
    if error["type"] == "extra_forbidden":
        return f"{name}: unknown setting; known: {', '.join(RunConfig.model_fields)}"
    shown = "--" + name.replace("_", "-") if name in flags else name
    if not message.startswith("expected"):
        message = f"expected {message}"
    return f"{shown}: {message}, got {error['input']!r}"


def _name_of(data: Path | None) -> str:
    stem = data.name.split(".")[0] if data is not None else ""
    if not is_model_name(stem):
        raise ConfigInvalid(f"no model can be called '{stem}': --name gives it another name")
    return stem
