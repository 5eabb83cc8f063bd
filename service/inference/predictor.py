"""One served version: features in, named classes and hidden representations out."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from service.activations.table import TABLE
from service.errors import ArtifactInvalid
from service.inference.description import Description, describe
from service.inference.features import Features, Floats, RowFormat, from_cells, row_format
from service.inference.onnx_model import OnnxModel
from service.inference.outputs import check_outputs
from service.inference.run_limit import Watchdog
from service.inference.scheduler import DEFAULT_BATCHING, Batching, Cost, Scheduler, measured
from service.inference.unusual import Usual
from service.model_repository.layout import PublishedVersion
from service.model_repository.manifest import Manifest

# A unit within this share of its range of a bound of it counts as saturated.
_SATURATED_SHARE = 0.01


class Predictions(NamedTuple):
    """Probabilities, (n, n_classes), and the most probable class of each row, (n,)."""

    probabilities: Floats
    class_index: npt.NDArray[np.intp]
    uncertainty: "Uncertainty | None" = None


@dataclass(frozen=True)
class Uncertainty:
    """What n rows give under dropout's masks: see UncertaintyOutputs."""

    probabilities: Floats
    entropy: Floats
    mutual_information: Floats


@dataclass(frozen=True)
class HiddenLayer:
    """What one hidden layer answered, (n, units); the two fractions are over all its values."""

    name: str
    activation: str
    values: Floats
    zero_fraction: float
    saturated_fraction: float


@dataclass(frozen=True)
class Predictor:
    """A version that passed its self-test."""

    number: int
    manifest: Manifest
    manifest_json: bytes
    model: OnnxModel
    row_format: RowFormat
    scheduler: Scheduler
    usual: Usual

    def prediction_outputs(self, *, uncertainty: bool) -> tuple[str, ...]:
        """The outputs of the graph that `predictions` takes."""
        masked = self.manifest.signature.uncertainty
        if not uncertainty or masked is None:
            return self._plain_outputs
        names = (masked.probabilities, masked.entropy, masked.mutual_information)
        return (*self._plain_outputs, *names)

    @cached_property
    def _plain_outputs(self) -> tuple[str, ...]:
        return (self.manifest.signature.probabilities,)

    @cached_property
    def description(self) -> Description:
        """What a client must know to ask it. Made once: of many features it takes milliseconds."""
        return describe(self.manifest)

    @property
    def hidden_outputs(self) -> tuple[str, ...]:
        """The outputs of the graph that `hidden_layers` takes."""
        return self.manifest.signature.hidden

    def predict(self, features: Features, *, uncertainty: bool = False) -> Predictions:
        """Classify rows here and now."""
        outputs = self.prediction_outputs(uncertainty=uncertainty)
        return self.predictions(self.model.run(features, outputs))

    def predictions(self, outputs: Sequence[Floats]) -> Predictions:
        """What these outputs of n rows say; of equal probabilities the first class wins."""
        probabilities, *masked = outputs
        return Predictions(
            probabilities,
            probabilities.argmax(axis=1),
            Uncertainty(*masked) if masked else None,
        )

    def hidden_layers(self, outputs: Sequence[Floats]) -> tuple[HiddenLayer, ...]:
        """The hidden representations of rows in these outputs, layer by layer."""
        activation = self.manifest.network.activation
        return tuple(
            HiddenLayer(
                name=name,
                activation=activation,
                values=values,
                zero_fraction=float((values == 0).mean()) if values.size else 0.0,
                saturated_fraction=_saturated_fraction(values, activation),
            )
            for name, values in zip(self.hidden_outputs, outputs, strict=True)
        )


# A lone turn of the event loop holds up everybody: what takes longer belongs to the thread.
_LOOP_LIMIT_S = 0.25
_RUN_LIMIT_S = 30.0


def open_version(
    version: PublishedVersion,
    batching: Batching = DEFAULT_BATCHING,
    run_limit_s: float = _RUN_LIMIT_S,
    watchdog: Watchdog | None = None,
) -> Predictor:
    """Open a version, run its self-test and measure what runs cost. Raises BrokenVersion."""
    signature = version.manifest.signature
    form = row_format(signature)
    model = OnnxModel(version.artifact, signature)
    model.self_test(version.manifest.golden)
    golden = from_cells(version.manifest.golden.rows, form)
    check_outputs(model.run, signature, golden)
    name = f"{version.manifest.name} version {version.number}"
    bounded = partial(model.bounded, name=name, watchdog=watchdog or Watchdog())
    return Predictor(
        number=version.number,
        manifest=version.manifest,
        manifest_json=version.manifest_json,
        model=model,
        row_format=form,
        scheduler=Scheduler(
            bounded(limit_s=run_limit_s),
            _measured(model, golden),
            batching,
            measured_outputs=(signature.probabilities,),
            run_on_loop=bounded(limit_s=min(_LOOP_LIMIT_S, run_limit_s)),
            name=name,
        ),
        usual=Usual(signature),
    )


def _measured(model: OnnxModel, golden: Features) -> Cost:
    try:
        return measured(model.probabilities, golden)
    except Exception as exc:
        raise ArtifactInvalid("model.onnx does not run on 64 rows") from exc


def _saturated_fraction(values: Floats, activation: str) -> float:
    function = TABLE.get(activation)
    if function is None or function.bounds is None or not values.size:
        return 0.0
    low, high = function.bounds
    margin = _SATURATED_SHARE * (high - low)
    return float(((values <= low + margin) | (values >= high - margin)).mean())
