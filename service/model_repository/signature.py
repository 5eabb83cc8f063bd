"""What a row is: its features in order, and the tensors that they go into."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictFloat, StrictInt, StrictStr, WithJsonSchema

FEATURES, NUMERIC, CATEGORICAL = "features", "numeric", "categorical"

# How the files that a version was trained on write a date. A request writes it as ISO 8601 does.
DateForm = Literal[
    "yyyy-mm-dd", "dd/mm/yyyy", "mm/dd/yyyy", "dd.mm.yyyy", "dd-mm-yyyy", "mm-dd-yyyy",
    "yyyy/mm/dd", "dd-mmm-yyyy", "dd mmm yyyy", "dd-mmm-yy", "dd/mm/yy", "mm/dd/yy", "dd.mm.yy",
    "yyyymmdd",
]  # fmt: skip
Cell = StrictFloat | StrictInt | StrictStr | None
Share = Annotated[float, Field(ge=0, le=1)]


class Value(BaseModel):
    """A part of the manifest: it never changes, and holds nothing unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


DecimalMark = Literal[".", ","]


class NumberFormat(Value):
    """How a table's text writes a column of numbers; a request has them as JSON numbers.

    `percent`: 12 stands for "12 %". `separators` stand between thousands.
    """

    decimal: DecimalMark = "."
    currency: str = ""
    percent: bool = False
    separators: bool = False

    @property
    def example(self) -> tuple[float, str]:
        """A number, and the text that it stands for."""
        if self.percent:
            return 12.5, f"12{self.decimal}5 %"
        separator = {".": ",", ",": "."}[self.decimal] if self.separators else ""
        return 1234.5, f"{self.currency}1{separator}234{self.decimal}50"


class Feature(Value):
    """One column of the table; what is said of its values is learned from the training rows.

    A number has a range, and so has a date, in days since 1970-01-01; files write it in its
    `date_form`, or as ISO 8601 does. Text has categories: every other text is "other", but for
    another spelling of the same boolean or whole number (`True`, `1.0`) if categories may be
    `respelled`, and in whatever case and with whatever blanks between words if it `folds_case`. A
    row need not have it if it `accepts_missing`; without a word of that, if the
    signature does. `unused` says why the network does not see the column, which is still part of a
    row. `written` says how text in the table wrote a number, unless as programs do.
    """

    name: Annotated[str, Field(min_length=1)]
    dtype: Literal["float32", "string", "date"] = "float32"
    # Generators of clients make one name of "yyyymmdd" and "yyyy-mm-dd": to them it is text.
    date_form: Annotated[
        DateForm | None, WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "null"}]})
    ] = None
    missing: Share = 0.0
    accepts_missing: bool | None = None
    minimum: float | None = None
    maximum: float | None = None
    categories: tuple[str, ...] | None = None
    respelled: bool = False
    folds_case: bool = False
    unused: str | None = None
    written: NumberFormat | None = None


class UncertaintyOutputs(Value):
    """Outputs over the dropout masks (Gal & Ghahramani 2016); entropies in nats.

    Mean probabilities (n, n_classes), their entropy (n,), and (n,) the mutual information between
    prediction and mask: that entropy less the mean entropy of the single masks' probabilities.
    """

    probabilities: Literal["mask_probabilities"] = "mask_probabilities"
    entropy: Literal["mask_entropy"] = "mask_entropy"
    mutual_information: Literal["mask_mutual_information"] = "mask_mutual_information"


class Signature(Value):
    """The graph's named tensors, and the features in the order of a row.

    Without text there is one input, `features`. Else the numbers go, in their order, into
    `numeric` and the text into `categorical`. A date is a number to the graph: the days since
    1970-01-01. Missing is NaN or the empty string, which the graph
    takes if it `accepts_missing`. A row may also name columns that were `left_out`; nothing looks
    at them.
    What stands before the graph, in files and in requests: text loses the blanks around it if the
    signature `trims_text`, and is missing if it is one of `missing_texts` then.
    """

    features: Annotated[tuple[Feature, ...], Field(min_length=1)]
    left_out: tuple[str, ...] = ()
    accepts_missing: bool = False
    trims_text: bool = False
    missing_texts: tuple[str, ...] = ()
    probabilities: Literal["probabilities"] = "probabilities"
    label: Literal["label"] = "label"
    hidden: Annotated[tuple[str, ...], Field(min_length=1)]
    uncertainty: UncertaintyOutputs | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The feature names in order."""
        return tuple(feature.name for feature in self.features)

    def may_be_missing(self, feature: Feature) -> bool:
        """Whether a row need not have this feature; one that nothing looks at never need be."""
        if feature.unused is not None:
            return True
        said = feature.accepts_missing
        return self.accepts_missing if said is None else said

    @property
    def numbers(self) -> tuple[Feature, ...]:
        """The columns of the numeric input, dates among them."""
        return tuple(feature for feature in self.features if feature.dtype != "string")

    @property
    def texts(self) -> tuple[Feature, ...]:
        """The columns of the categorical input."""
        return tuple(feature for feature in self.features if feature.dtype == "string")

    @property
    def inputs(self) -> dict[str, int]:
        """The width of every input tensor by its name."""
        if not self.texts:
            return {FEATURES: len(self.features)}
        widths = {NUMERIC: len(self.numbers), CATEGORICAL: len(self.texts)}
        return {name: width for name, width in widths.items() if width}
