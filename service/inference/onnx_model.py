"""One opened ONNX graph and its self-test: the only importer of onnxruntime."""

import os
from collections.abc import Sequence

import numpy as np

# Read when the library is imported: no usage data leaves the process.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime as ort

from service.errors import ArtifactInvalid, OutputsUnfit, SelfTestFailed
from service.inference.features import Features, Floats, from_cells, row_format
from service.inference.run_limit import BoundedRun, Stoppable, Watchdog
from service.model_repository.manifest import Golden
from service.model_repository.signature import CATEGORICAL, Signature

GOLDEN_TOLERANCE = 1e-5


class OnnxModel:
    """A graph that maps raw rows to probabilities and hidden representations."""

    def __init__(self, artifact: bytes, signature: Signature) -> None:
        """Open the graph. Raises ArtifactInvalid when it does not have that signature."""
        self._signature = signature
        self._inputs = tuple(signature.inputs)
        try:
            self._session = ort.InferenceSession(
                artifact, _session_options(), providers=["CPUExecutionProvider"]
            )
        except Exception as exc:
            # onnxruntime raises classes of its own that share no base but Exception.
            raise ArtifactInvalid("model.onnx is not a model that ONNX Runtime opens") from exc
        self._run_options = _run_options()
        self._check_tensors()

    def run(self, features: Features, outputs: Sequence[str]) -> list[Floats]:
        """The named outputs, each with n rows, for n rows of features. Raises OutputsUnfit."""
        return self._run(features, outputs, self._run_options)

    def bounded(self, *, name: str, limit_s: float, watchdog: Watchdog) -> BoundedRun:
        """`run` with a bound in seconds, for one thread at a time."""
        options = _run_options()
        return BoundedRun(self._run, options, name=name, limit_s=limit_s, watchdog=watchdog)

    def probabilities(self, features: Features) -> Floats:
        """Class probabilities, (n, n_classes), for n rows of features."""
        return self.run(features, [self._signature.probabilities])[0]

    def labels(self, features: Features) -> list[bool | int | str]:
        """The labels that the graph itself names for n rows of features."""
        named: list[bool | int | str] = self.run(features, [self._signature.label])[0].tolist()
        return named

    def self_test(self, golden: Golden) -> None:
        """Run the golden rows. Raises SelfTestFailed unless they come out as published."""
        expected = np.asarray(golden.probabilities, dtype=np.float64)
        try:
            found = self.probabilities(from_cells(golden.rows, row_format(self._signature)))
        except Exception as exc:
            raise ArtifactInvalid("model.onnx does not run on its golden rows") from exc
        if found.shape != expected.shape:
            raise SelfTestFailed(
                f"expected golden probabilities of shape {expected.shape}, got {found.shape}"
            )
        difference = np.abs(found - expected)
        if not (difference <= GOLDEN_TOLERANCE).all():
            rows = int((~(difference <= GOLDEN_TOLERANCE)).any(axis=1).sum())
            raise SelfTestFailed(
                f"{rows} of {len(expected)} golden rows came out differently: expected "
                f"probabilities within {GOLDEN_TOLERANCE:g}, got {difference.max():.3g} off"
            )

    def _run(self, features: Features, outputs: Sequence[str], options: Stoppable) -> list[Floats]:
        feed = features.tensors(self._inputs)
        results: list[Floats] = self._session.run(list(outputs), feed, options)
        count = len(features.numeric)
        for place, result in enumerate(results):
            shape = result.shape
            # In a batch the rows of others would be answered with what is there.
            if not shape or shape[0] != count:
                raise OutputsUnfit(
                    f"the output '{outputs[place]}' has the shape {list(shape)}: expected a value "
                    f"for each of {count} rows"
                )
        return results

    def _check_tensors(self) -> None:
        signature = self._signature
        inputs = {tensor.name: tensor for tensor in self._session.get_inputs()}
        outputs = {tensor.name for tensor in self._session.get_outputs()}
        expected = {signature.probabilities, signature.label, *signature.hidden}
        if signature.uncertainty is not None:
            expected |= set(signature.uncertainty.model_dump().values())
        if set(inputs) != set(signature.inputs) or not expected <= outputs:
            raise ArtifactInvalid(
                f"expected a graph from {', '.join(signature.inputs)} to "
                f"{', '.join(sorted(expected))}, "
                f"got one from {', '.join(inputs)} to {', '.join(sorted(outputs))}"
            )
        for name, width in signature.inputs.items():
            _check_input(inputs[name], width)


def _check_input(tensor: ort.NodeArg, width: int) -> None:
    shown, kind = (
        ("string", "tensor(string)") if tensor.name == CATEGORICAL else ("float32", "tensor(float)")
    )
    if tensor.type != kind or len(tensor.shape) != 2 or tensor.shape[1] != width:
        raise ArtifactInvalid(
            f"{tensor.name}: expected an input of {shown} [N, {width}], "
            f"got {tensor.type} {tensor.shape}"
        )
    if isinstance(tensor.shape[0], int):
        raise ArtifactInvalid(
            f"{tensor.name}: expected any number of rows, got exactly {tensor.shape[0]}"
        )


def _run_options() -> ort.RunOptions:
    # By itself ONNX Runtime runs every node, also those of outputs that nobody asked for.
    options = ort.RunOptions()
    options.only_execute_path_to_fetches = True
    # Its default, said aloud: looking for an entry that is not there costs seven runs' time.
    options.add_run_config_entry("gpu_graph_id", "0")
    return options


def _session_options() -> ort.SessionOptions:
    # One thread: a small graph is slower on several, and sizing them from the host's cores
    # oversubscribes a container.
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # As fast without, and what a long request took is given back (docs/decisions/0016).
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 4
    return options
