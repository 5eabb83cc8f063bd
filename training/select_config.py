"""The settings of a selection: those of a fit, and what to vary."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from training.config import RunConfig
from training.errors import ConfigInvalid
from training.search_space import Choices, Range, Values, parse_space
from training.setting_errors import LIST_IN_VARY, told

Search = Literal["grid", "random", "tpe"]


def _as_space(value: object) -> object:
    if isinstance(value, list | tuple):
        pairs = [str(text).partition("=") for text in value]
        bad = [name for name, equals, _ in pairs if not equals]
        if bad:
            raise ValueError(f"expected NAME=VALUES, such as dropout=0,0.5, got '{bad[0]}'")
        value = {name.strip().replace("-", "_"): text for name, _, text in pairs}
    if not isinstance(value, dict):
        raise ValueError("expected NAME=VALUES, such as dropout=0,0.5")
    return parse_space(value)


class SelectConfig(RunConfig):
    """Everything that a fit has, and what to try over folds."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    folds: Annotated[
        int, Field(ge=2, le=10, description="parts that the rows are cross-validated in")
    ] = 5
    vary: Annotated[
        Mapping[str, Choices | Range],
        Field(
            default_factory=dict,
            description="what to try: NAME=V1,V2,... or NAME=LOW:HIGH, such as dropout=0,0.25,0.5 "
            "hidden=64,128x64 learning_rate=0.001:0.1 (default: a space that suits the table)",
        ),
        BeforeValidator(_as_space),
    ]
    search: Annotated[
        Search | None,
        Field(
            description="grid, random, or tpe (Optuna, which learns from the settings so far; "
            "default: grid where --vary holds lists alone and no --settings, else random)"
        ),
    ] = None
    settings: Annotated[
        int | None,
        Field(
            ge=1,
            description="how many settings to try at random or by tpe (default: 24; 8 from 20,000 "
            "training rows on)",
        ),
    ] = None
    halving: Annotated[
        bool | None,
        Field(
            description="train only the best third of the settings beyond a ninth, and the best "
            "third of those beyond a third, of --epochs (default: for random and tpe)"
        ),
    ] = None
    ensemble: Annotated[
        bool,
        Field(
            description="publish the networks of the winner's folds as one graph that averages "
            "their probabilities, in place of one network fitted again on the rows of all folds "
            "(from 2,000 rows on but for a tenth, at most 2,000, that calibrate it)"
        ),
    ] = False
    storage: Annotated[
        str | None,
        Field(
            description="where tpe keeps its trials: an SQLAlchemy URL; workers on several "
            "machines share a PostgreSQL one (default: an SQLite file in --runs)"
        ),
    ] = None
    worker: Annotated[
        bool,
        Field(description="train settings for the search in --storage, and publish nothing"),
    ] = False

    @model_validator(mode="after")
    def _search_fits(self) -> Self:
        if self.search == "grid" and self.settings is not None:
            raise ValueError("--settings goes with --search random or tpe; a grid is tried whole")
        if self.search == "grid" and not self.vary:
            raise ValueError("--search grid goes with --vary, which says what to try")
        if self.search == "grid" and any(isinstance(v, Range) for v in self.vary.values()):
            raise ValueError("--search grid: expected lists in --vary, got a range")
        if self.storage is not None and self.search != "tpe":
            raise ValueError("--storage goes with --search tpe")
        if self.worker and self.storage is None:
            raise ValueError("--worker goes with --storage, where the search is that it works for")
        return self

    @property
    def searched_by(self) -> Search:
        """The kind of search, if need be by what is to be varied."""
        if self.search is not None:
            return self.search
        lists = self.vary and all(isinstance(v, Choices) for v in self.vary.values())
        return "grid" if lists and self.settings is None else "random"

    @property
    def halves(self) -> bool:
        """Whether settings that do badly are given up."""
        return self.searched_by != "grid" if self.halving is None else self.halving

    def setting(self, values: Values) -> RunConfig:
        """The fit that these varied values make. Raises ConfigInvalid."""
        common = {name: getattr(self, name) for name in RunConfig.model_fields}
        try:
            return RunConfig.model_validate(common | values).resolved()
        except ValidationError as exc:
            raise ConfigInvalid(f"--vary: {told(exc, RunConfig, LIST_IN_VARY)}") from exc
