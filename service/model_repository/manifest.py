"""What a published version says of itself: the content of manifest.json."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    Field,
    JsonValue,
    StrictBool,
    StrictInt,
    StrictStr,
    ValidationError,
    model_validator,
)

from service.errors import ManifestInvalid
from service.model_repository.provenance import (
    Calibration,
    Diagnosis,
    Grouping,
    LearningCurvePoint,
    Selection,
    Twins,
    Uncertainty,
)
from service.model_repository.signature import Cell, Share, Signature, Value

# A manifest of schema 2 holds nothing of how the version was chosen and calibrated. What schema 4
# adds has a default that says what versions of schema 3 did. In schema 5 a feature may be a date.
SCHEMA_VERSIONS = (2, 3, 4, 5)

# What an ONNX graph names is of 64 bits.
WholeNumber = Annotated[StrictInt, Field(ge=-(2**63), le=2**63 - 1)]
Label = StrictBool | WholeNumber | StrictStr
Labels = Annotated[
    tuple[StrictBool, ...] | tuple[WholeNumber, ...] | tuple[StrictStr, ...], Field(min_length=2)
]
Count = Annotated[int, Field(ge=0)]


class Artifact(Value):
    """The file model.onnx."""

    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    size_bytes: Count
    opset: Count


class Network(Value):
    """The trained network: its layer widths from features to classes, and its hyperparameters.

    An ensemble averages the probabilities of `members` networks of these widths; their hidden
    units lie side by side. `masks` dropout masks are in the graph for its uncertainty.
    """

    widths: tuple[int, ...]
    activation: str
    dropout: tuple[Share, ...]
    input_dropout: Share = 0.0
    batch_normalisation: bool = False
    parameter_count: Count
    members: Annotated[int, Field(ge=1)] = 1
    masks: Count = 0


class ClassBalance(Value):
    """How many rows of one class went into each part of the split."""

    label: Label
    training: Count
    validation: Count
    test: Count


class TableDescription(Value):
    """The table that the version was trained on; `notes` say what was left out and what is odd.

    Where the test rows are of a file of their own, it is `test_source`, and `data_fingerprint` is
    that of the other rows alone.
    """

    source: str
    target: str
    fingerprint: str
    rows: dict[Literal["training", "validation", "test"], Count]
    class_balance: tuple[ClassBalance, ...]
    test_source: str | None = None
    data_fingerprint: str | None = None
    groups: Grouping | None = None
    twins: Twins | None = None
    notes: tuple[str, ...] = ()


class ClassScores(Value):
    """The scores of one class; a ratio whose denominator is 0 is 0.

    `roc_auc` and `average_precision` hold its probability against all other classes; None where
    no row is of the class, or every row, and where nobody measured them.
    """

    label: Label
    precision: Share
    recall: Share
    f1: Share
    rows: Count
    roc_auc: Share | None = None
    average_precision: Share | None = None


class Scores(Value):
    """Scores on one part of the split; log_loss in nats.

    `majority` is the accuracy of always naming the commonest class of these rows. `roc_auc` and
    `average_precision` are the means over the classes, each against the rest, and of two classes
    those of the second label; None of rows of a single class, and where nobody measured them.
    """

    rows: Count
    accuracy: Share
    log_loss: Annotated[float, Field(ge=0)]
    per_class: tuple[ClassScores, ...]
    majority: Share | None = None
    roc_auc: Share | None = None
    average_precision: Share | None = None


class SplitScores(Value):
    """Scores on the rows that chose the weights, and on those that were never looked at."""

    validation: Scores
    test: Scores


class Epoch(Value):
    """One pass over the training rows; losses and accuracies in evaluation mode after it.

    The training side is measured on up to 10,000 of the training rows. `gradient_norms` are those
    of every linear layer's weight, inputs first.
    """

    training_loss: float
    training_accuracy: Share
    validation_loss: float
    validation_accuracy: Share
    gradient_norms: tuple[float, ...] = ()


class History(Value):
    """Every epoch in order, and which one's weights were kept (counted from 1).

    Of a cross-validated choice the epochs are means over its folds.
    """

    best_epoch: Annotated[int, Field(ge=1)]
    epochs: Annotated[tuple[Epoch, ...], Field(min_length=1)]


class Parity(Value):
    """How far ONNX Runtime's answers on the test rows are from PyTorch's."""

    rows: Count
    largest_difference: Annotated[float, Field(ge=0)]
    labels_different: Count


class Golden(Value):
    """Made-up rows, (n, n_features), and PyTorch's evaluation-mode probabilities for them."""

    rows: Annotated[tuple[tuple[Cell, ...], ...], Field(min_length=1)]
    probabilities: tuple[tuple[Share, ...], ...]


class Manifest(Value):
    """Everything that is known of a published version.

    `seconds` are those that each stage of the run took, up to the writing of the manifest; of a
    resumed run, those of the process that ended it.
    """

    schema_version: Literal[2, 3, 4, 5] = 5
    name: str
    created: datetime
    labels: Labels
    signature: Signature
    artifact: Artifact
    network: Network
    settings: dict[str, JsonValue]
    table: TableDescription
    scores: SplitScores
    history: History
    selection: Selection | None = None
    diagnosis: Diagnosis | None = None
    calibration: Calibration | None = None
    uncertainty: Uncertainty | None = None
    learning_curve: tuple[LearningCurvePoint, ...] = ()
    parity: Parity
    golden: Golden
    environment: dict[str, JsonValue]
    seconds: Annotated[dict[str, Annotated[float, Field(ge=0)]], Field(default_factory=dict)]

    @model_validator(mode="after")
    def _shapes_agree(self) -> Self:
        width, classes = len(self.signature.features), len(self.labels)
        names = self.signature.names
        if len(set(names)) != width:
            raise ValueError("two features share a name")
        if len(set(self.labels)) != classes:
            raise ValueError("two labels are the same")
        if any(len(row) != width for row in self.golden.rows):
            raise ValueError(f"expected golden rows of {width} features")
        if len(self.golden.probabilities) != len(self.golden.rows) or any(
            len(row) != classes for row in self.golden.probabilities
        ):
            raise ValueError(f"expected {classes} golden probabilities a row")
        if bool(self.network.masks) != (self.signature.uncertainty is not None):
            raise ValueError("dropout masks and outputs of uncertainty go together")
        if self.calibration is not None and any(
            len(row) != classes for row in self.calibration.class_thresholds
        ):
            raise ValueError(f"expected class thresholds of {classes} labels")
        return self


class _SchemaVersion(BaseModel):
    schema_version: JsonValue = None


def parse_manifest(content: bytes) -> Manifest:
    """The manifest in the bytes of manifest.json. Raises ManifestInvalid."""
    try:
        found = _SchemaVersion.model_validate_json(content).schema_version
    except ValidationError as exc:
        raise ManifestInvalid("manifest.json is not a JSON object") from exc
    if found not in SCHEMA_VERSIONS:
        known = ", ".join(map(str, SCHEMA_VERSIONS))
        raise ManifestInvalid(
            f"manifest.json has schema version {found!r}; this release reads {known}"
        )
    try:
        return Manifest.model_validate_json(content)
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise ManifestInvalid(f"manifest.json does not fit: {place}: {first['msg']}") from exc
