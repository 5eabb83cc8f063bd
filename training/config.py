"""Every setting of a run, validated."""

from itertools import combinations
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from service.activations.table import TABLE
from service.inference.dates import FORMS
from service.model_repository.layout import is_model_name
from training.date_flags import asked_dates
from training.errors import ConfigInvalid

Scaling = Literal["robust", "standard"]
Optimiser = Literal["sgd", "adamw"]
Schedule = Literal["constant", "linear", "cosine", "coslog4"]
Monitor = Literal["loss", "accuracy"]
AcceptMissing = Literal["all", "seen", "none"]

# Less is a size whose unit was forgotten.
_LEAST_MEMORY = 64 * 2**10

Dataset = Literal[
    "digits", "iris", "wine", "breast-cancer", "penguins", "fashion-mnist", "fashion-128"
]


def _as_list(value: object) -> object:
    return value if isinstance(value, list | tuple) else [value]


class RunConfig(BaseModel):
    """What to learn from, what to train and how, and where to publish it."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    dataset: Annotated[
        Dataset | None,
        Field(description="a built-in data set: " + ", ".join(get_args(Dataset))),
    ] = None
    data: Annotated[
        Path | None,
        Field(
            description="a CSV, JSON lines, Parquet, Arrow, NPZ (x, y) or IDX file, plain or gzip, "
            "or a folder of files of one kind"
        ),
    ] = None
    test: Annotated[
        Path | None,
        Field(
            description="a file of test rows, with the columns of --data; in place of "
            "--test-fraction"
        ),
    ] = None
    target: Annotated[str | None, Field(description="the column of --data to predict")] = None
    delimiter: Annotated[
        str | None,
        Field(
            pattern="^[\\x00-\\x7f]$",
            description="between cells of a CSV: one character, or tab (default: found)",
        ),
        BeforeValidator(lambda value: "\t" if value in ("\\t", "tab") else value),
    ] = None
    decimal: Annotated[
        Literal[".", ","] | None,
        Field(description="the decimal mark of numbers in text: . or , (default: found)"),
    ] = None
    missing: Annotated[
        tuple[str, ...],
        Field(
            description="texts that say that a cell is empty, such as '?' or -, beside no text, "
            "NA, N/A, NaN and NULL"
        ),
        BeforeValidator(_as_list),
    ] = ()
    numeric: Annotated[
        tuple[str, ...], Field(description="columns to take as numbers"), BeforeValidator(_as_list)
    ] = ()
    categorical: Annotated[
        tuple[str, ...],
        Field(description="columns to take as categories"),
        BeforeValidator(_as_list),
    ] = ()
    date: Annotated[
        tuple[str, ...],
        Field(
            description="columns to take as dates, such as last_login, or last_login=dd/mm/yyyy "
            f"where that is not clear: {', '.join(FORMS)}"
        ),
        BeforeValidator(_as_list),
    ] = ()
    fold_case: Annotated[
        tuple[str, ...],
        Field(description="columns of categories that differ by case or blanks in nothing else"),
        BeforeValidator(_as_list),
    ] = ()
    ignore: Annotated[
        tuple[str, ...], Field(description="columns to leave out"), BeforeValidator(_as_list)
    ] = ()
    group: Annotated[
        str | None,
        Field(
            description="the column that says which rows belong together, such as a patient's: "
            "they are never divided between training, validation and test, nor between folds; "
            "it is no feature"
        ),
    ] = None
    scaling: Annotated[
        Scaling,
        Field(
            description="of numbers: robust (median, quartiles, smooth clip) or standard (mean, "
            "standard deviation)"
        ),
    ] = "robust"
    numeric_bins: Annotated[
        int,
        Field(
            ge=0,
            le=256,
            description="quantile bins a number for a piecewise-linear encoding beside the scaled "
            "number; 0: none",
        ),
    ] = 0
    accept_missing: Annotated[
        AcceptMissing,
        Field(
            description="which features may be missing from a row that the model is asked about: "
            "seen, those with gaps in training rows; all; or none"
        ),
    ] = "seen"
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
        str,
        Field(
            description="the activation function of the hidden layers, as PyTorch names it: "
            + ", ".join(TABLE)
        ),
    ] = "relu"
    dropout: Annotated[
        tuple[Annotated[float, Field(ge=0, lt=1)], ...],
        Field(min_length=1, description="dropout rate: one for all hidden layers, or one for each"),
        BeforeValidator(_as_list),
    ] = (0.5,)
    input_dropout: Annotated[
        float, Field(ge=0, lt=1, description="dropout rate of the network's inputs")
    ] = 0.0
    batch_normalisation: Annotated[
        bool, Field(description="normalise each hidden layer's sums over the mini-batch")
    ] = False
    epochs: Annotated[int, Field(ge=1, description="the most epochs to train")] = 300
    batch_size: Annotated[
        int | None,
        Field(
            ge=1,
            description="rows a step (default: 32; 256 from 20,000 training rows, 1024 from a "
            "million; all if there are fewer)",
        ),
    ] = None
    optimiser: Annotated[Optimiser, Field(description="sgd or adamw")] = "sgd"
    learning_rate: Annotated[
        float | None, Field(gt=0, description="step size (default: 0.02; 0.001 for adamw)")
    ] = None
    schedule: Annotated[
        Schedule,
        Field(
            description="of the learning rate over --epochs: constant, linear or cosine from it to "
            "0, or coslog4, which rises and falls four times"
        ),
    ] = "constant"
    momentum: Annotated[
        float, Field(ge=0, lt=1, description="momentum of sgd, first beta of adamw")
    ] = 0.9
    weight_decay: Annotated[
        float | None,
        Field(
            ge=0,
            description="pull of the weights towards 0: an L2 penalty for sgd, decoupled for adamw "
            "(default: 3.5 divided by the training rows, at most 0.003; 0.01 for adamw)",
        ),
    ] = None
    max_norm: Annotated[
        float | None,
        Field(
            gt=0,
            description="bound on the Euclidean norm of the weights into each hidden unit "
            "(default: none)",
        ),
    ] = None
    label_smoothing: Annotated[
        float,
        Field(ge=0, lt=1, description="share of each target that is spread over all classes"),
    ] = 0.0
    precision: Annotated[
        Literal["auto", "float32", "bfloat16"],
        Field(
            description="of matrix products in training; auto: bfloat16 for wide networks on "
            "processors that have it, else float32"
        ),
    ] = "auto"
    monitor: Annotated[
        Monitor,
        Field(
            description="what makes an epoch the best: validation loss, or accuracy, which may "
            "still rise when the probabilities are already too sure"
        ),
    ] = "loss"
    patience: Annotated[
        int, Field(ge=1, description="epochs without a better one before stopping")
    ] = 30
    validation_fraction: Annotated[
        float, Field(gt=0, lt=1, description="share of the rows that choose when to stop")
    ] = 0.15
    test_fraction: Annotated[
        float, Field(gt=0, lt=1, description="share of the rows that are scored once, at the end")
    ] = 0.2
    memory: Annotated[
        ByteSize | None,
        Field(
            description="the most resident memory, such as 1.5GiB: a Parquet file that needs more "
            "is streamed (default: half of the machine's)",
        ),
    ] = None
    uncertainty: Annotated[
        int,
        Field(
            ge=0,
            le=1000,
            description="dropout masks to bake into the graph, for predictions that ask for "
            "uncertainty; 30 is a good number, 0: none",
        ),
    ] = 0
    learning_curve: Annotated[
        bool,
        Field(description="also train on 10, 20, 40 and 70 percent of the rows, over --folds"),
    ] = False
    report: Annotated[
        Literal["plots", "html", "none"],
        Field(
            description="what goes with the version: plots and card.md, html for one page with all "
            "of it besides, or none"
        ),
    ] = "plots"
    runs: Annotated[
        Path | None,
        Field(
            description="the folder for the state of unfinished runs (default: .runs in --models)"
        ),
    ] = None
    tensorboard: Annotated[
        Path | None, Field(description="a folder to write TensorBoard event files to")
    ] = None
    mlflow: Annotated[
        str | None, Field(description="the URI of an MLflow server or store to log the run to")
    ] = None
    seed: Annotated[int, Field(ge=0, lt=2**32, description="the one seed of all randomness")] = 1
    threads: Annotated[
        int | None,
        Field(
            ge=1,
            description="PyTorch's threads (default: as many as a few steps are fastest on, which "
            "the manifest records; the same number gives the same bytes)",
        ),
    ] = None

    @field_validator("activation")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if value not in TABLE:
            raise ValueError(f"expected one of {', '.join(TABLE)}")
        return value

    @field_validator("memory")
    @classmethod
    def _is_enough(cls, value: ByteSize | None) -> ByteSize | None:
        if value is not None and value < _LEAST_MEMORY:
            raise ValueError(f"expected 64KiB or more, such as 1.5GiB, got {value:d} bytes")
        return value

    @field_validator("name")
    @classmethod
    def _is_a_name(cls, value: str | None) -> str | None:
        if value is not None and not is_model_name(value):
            raise ValueError(
                "expected up to 64 letters, digits, '.', '_' or '-', of which the "
                "first is a letter or a digit"
            )
        return value

    @model_validator(mode="after")
    def _rows_fit(self) -> Self:
        if self.group is not None and self.group in (
            *self.numeric, *self.categorical, self.target,
        ):  # fmt: skip
            raise ValueError(f"--group '{self.group}' is no feature and not the target")
        if self.data is None and self.test is not None:
            raise ValueError("--test goes with --data")
        return self

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.data is not None and self.dataset is not None:
            raise ValueError("expected either --dataset or --data, got both")
        of_files = (
            self.numeric, self.categorical, self.date, self.delimiter, self.decimal, self.missing,
            self.fold_case,
        )  # fmt: skip
        if self.data is None and any(of_files):
            raise ValueError(
                "--numeric, --categorical, --date, --delimiter, --decimal, --missing and "
                "--fold-case go with "
                "--data"
            )
        kinds = {
            "numeric": set(self.numeric), "categorical": {*self.categorical, *self.fold_case},
            "date": asked_dates(self.date).keys(),
        }  # fmt: skip
        for (one, names), (other, others) in combinations(kinds.items(), 2):
            for name in names & others:
                raise ValueError(f"column '{name}' is asked for as {one} and as {other}")
        if self.target is not None and self.target in self.ignore:
            raise ValueError(f"--ignore names the target '{self.target}'")
        if self.data is None and self.target is not None:
            raise ValueError("--target goes with --data")
        if len(self.dropout) not in (1, len(self.hidden)):
            raise ValueError(
                f"--dropout: expected {_rates(len(self.hidden))}, got {len(self.dropout)}"
            )
        if self.uncertainty == 1:
            raise ValueError("--uncertainty: expected 0 or at least 2 masks, got 1")
        if self.validation_fraction + self.test_fraction >= 1:
            raise ValueError(
                "--validation-fraction and --test-fraction: expected less than 1 together, "
                f"got {self.validation_fraction + self.test_fraction:g}"
            )
        return self

    def resolved(self) -> Self:
        """The same run with its data set, its name and its folder filled in."""
        dataset = self.dataset or ("digits" if self.data is None else None)
        return self.model_copy(
            update={
                "dataset": dataset,
                "name": self.name or dataset or _name_of(self.data),
                "runs": self.runs or self.models / ".runs",
            }
        )


def _rates(layers: int) -> str:
    return "1 rate" if layers == 1 else f"1 rate or {layers}, one for each hidden layer"


def _name_of(data: Path | None) -> str:
    stem = data.absolute().name.split(".")[0] if data is not None else ""
    if not is_model_name(stem):
        raise ConfigInvalid(f"no model can be called '{stem}': --name gives it another name")
    return stem
