"""The bodies that OpenAPI documents. The codecs decode them; tests hold the two together."""

from http import HTTPStatus
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Label = bool | int | str
Cell = bool | float | str | None
Row = list[Cell] | dict[str, Cell]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RowsBody(_Body):
    """Rows as lists in the signature's order, rows as objects, or columns: one of the two keys.

    A number or a string a cell, a date as ISO 8601 has it ("2024-05-31", "2024-05-31T12:30"); null,
    or an absent key, is missing.
    """

    instances: Annotated[list[Row] | None, Field(description="rows")] = None
    inputs: Annotated[dict[str, list[Cell]] | None, Field(description="columns by feature")] = None


class PredictBody(RowsBody):
    """Rows to classify."""

    top_k: Annotated[int | None, Field(ge=1, description="name only the k best classes")] = None
    coverage: Annotated[
        float | None,
        Field(
            ge=0.01,
            le=0.99,
            description="add to each prediction the set of labels that holds the true one with at "
            "least this probability, rounded up to a whole percent; for calibrated models. The "
            "most probable label is always in it (but of versions published before there were such "
            "sets, whose sets may be empty)",
        ),
    ] = None
    coverage_by: Annotated[
        Literal["all", "class"],
        Field(
            description="with coverage: over all rows, or for the rows of every class by itself; "
            "by class the coverage is rounded up to one that the model has, such as 0.5, 0.8, 0.9, "
            "0.95 or 0.99"
        ),
    ] = "all"
    empty_sets: Annotated[
        bool,
        Field(
            description="with coverage: sets that hold the true label exactly so often, also where "
            "the most probable label alone is right more often; to that end some are empty, those "
            "of rows that the model is not sure enough of"
        ),
    ] = False
    uncertainty: Annotated[
        bool,
        Field(
            description="add to each prediction how far the network's dropout masks disagree; for "
            "models exported with --uncertainty"
        ),
    ] = False
    warnings: Annotated[
        bool,
        Field(
            description="add to each prediction what is unusual about its row: features that are "
            "missing, categories that the model does not know, numbers outside the training range"
        ),
    ] = False


class NamedProbability(_Body):
    """One class and its probability."""

    label: Label
    probability: float


class UncertaintyAnswer(_Body):
    """Over the dropout masks: mean probabilities in label order, and two measures in nats.

    Entropy of the mean: how unsure in all. Mutual information: how much of that is disagreement
    between masks, which is high for rows unlike those of training.
    """

    probabilities: list[float]
    entropy: float
    mutual_information: float


class RowWarning(_Body):
    """What is unusual about one cell of a row that was answered; its value is not repeated."""

    feature: str
    message: str


class Prediction(_Body):
    """One row's most probable class; `top` takes the place of `probabilities` with top_k."""

    label: Label
    probability: float
    probabilities: Annotated[list[float] | None, Field(description="in label order")] = None
    top: list[NamedProbability] | None = None
    prediction_set: Annotated[
        list[Label] | None,
        Field(
            description="with coverage, in label order; empty, where that may be: no class is as "
            "probable as the coverage asks"
        ),
    ] = None
    uncertainty: UncertaintyAnswer | None = None
    warnings: Annotated[
        list[RowWarning] | None,
        Field(description="with warnings: the first 20 of `warning_count`, in feature order"),
    ] = None
    warning_count: int | None = None


class PredictAnswer(_Body):
    """The predictions in the order of the rows."""

    model_name: str
    model_version: str
    labels: list[Label]
    predictions: list[Prediction]


class HiddenLayerAnswer(_Body):
    """One hidden layer's representation of every row."""

    name: str
    activation: str
    units: int
    values: list[list[float]]
    zero_fraction: float
    saturated_fraction: float


class HiddenAnswer(_Body):
    """The hidden representations, layer by layer."""

    model_name: str
    model_version: str
    layers: list[HiddenLayerAnswer]


class VersionState(_Body):
    """Whether the service loaded the version, or why not."""

    error_code: str
    error_message: str


class VersionStatusAnswer(_Body):
    """One version of a model."""

    version: str
    state: Literal["LOADING", "AVAILABLE", "END"]
    status: VersionState


class ModelAnswer(_Body):
    """One model and the states of its versions, newest first."""

    name: str
    ready: bool
    model_version_status: list[VersionStatusAnswer]


class FeatureAnswer(_Body):
    """One cell of a row: a number or a date with its training range, or text with its categories.

    A date and its range are text as of ISO 8601: 2024-05-31. What is outside of range and
    categories is answered, too; `"warnings": true` tells of it. Where it may be missing, null or an
    absent key is taken. `written` is how text in the table wrote 1234.5, or 12.5 in percent, which
    a request sends as a number.
    """

    name: str
    dtype: Literal["float32", "string", "date"]
    minimum: float | str | None
    maximum: float | str | None
    categories: list[str] | None
    may_be_missing: bool
    written: str | None


class ModelDetailsAnswer(ModelAnswer):
    """A model, and how to ask the version that answers: null while there is none.

    The features are in the order of a row; `:predict` takes the example as it is.
    """

    labels: list[Label] | None
    features: list[FeatureAnswer] | None
    example: RowsBody | None


class ModelsAnswer(_Body):
    """Every model here."""

    models: list[ModelAnswer]


class EvaluateBody(_Body):
    """Points at which to evaluate an activation function."""

    x: list[float]
    parameters: dict[str, float] = {}


class EvaluateAnswer(_Body):
    """Values and derivatives at the points x."""

    name: str
    parameters: dict[str, float]
    x: list[float]
    y: list[float]
    derivative: list[float]


class ParameterAnswer(_Body):
    """A parameter of an activation function."""

    name: str
    default: float
    minimum: float
    maximum: float
    meaning: str


class LargestDerivativeAnswer(_Body):
    """The supremum of the derivative, and a point where it is attained, if any is."""

    value: float
    at: float | None
    where: str


class ActivationAnswer(_Body):
    """What is known of an activation function with its default parameters."""

    name: str
    formula: str
    derivative: str
    range: str
    monotonic: bool
    zero_centred: bool
    saturates: Literal["no", "left", "right", "both"]
    largest_derivative: LargestDerivativeAnswer
    parameters: list[ParameterAnswer]
    note: str


class ActivationsAnswer(_Body):
    """Every activation function known here."""

    activations: list[ActivationAnswer]


class LiveAnswer(_Body):
    """The process answers."""

    live: bool


class ReadyAnswer(_Body):
    """Every model has a version that answers."""

    ready: bool


class NotReadyAnswer(ReadyAnswer):
    """Some model has no version that answers, or not yet."""

    error: str


class ProblemItem(_Body):
    """One thing wrong with a request."""

    row: int | None = None
    feature: str | None = None
    message: str


class ProblemAnswer(BaseModel):
    """RFC 9457 problem details."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str


class InvalidInputAnswer(ProblemAnswer):
    """A request that does not fit; `errors` holds the first 20 of `error_count`."""

    errors: list[ProblemItem]
    error_count: int


REFERENCE = "#/components/schemas/{model}"
PROBLEMS: tuple[type[BaseModel], ...] = (ProblemAnswer, InvalidInputAnswer)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI entries of the problem answers with these statuses."""
    return {status: _problem(status) for status in statuses}


def _problem(status: int) -> dict[str, Any]:
    model = InvalidInputAnswer if status == 422 else ProblemAnswer
    schema = {"$ref": REFERENCE.format(model=model.__name__)}
    entry: dict[str, Any] = {
        "description": HTTPStatus(status).phrase,
        "content": {"application/problem+json": {"schema": schema}},
    }
    if status == 503:
        seconds = {"type": "integer", "minimum": 0}
        entry["headers"] = {
            "Retry-After": {"description": "seconds until it may be otherwise", "schema": seconds}
        }
    return entry
