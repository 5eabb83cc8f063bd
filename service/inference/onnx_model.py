"""One opened ONNX graph and its self-test: the only importer of onnxruntime."""

import os
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

# Read when the library is imported: no usage data leaves the process.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime as ort

from service.errors import ArtifactInvalid, SelfTestFailed
from service.model_repository.manifest import Golden, Signature

Floats = npt.NDArray[np.float32]

GOLDEN_TOLERANCE = 1e-5


class OnnxModel:
    """A graph that maps features, (n, n_features), to probabilities and representations."""

    def __init__(self, artifact: bytes, signature: Signature) -> None:
        """Open the graph. Raises ArtifactInvalid when it does not have that signature."""
        self._signature = signature
        try:
            self._session = ort.InferenceSession(
                artifact, _session_options(), providers=["CPUExecutionProvider"]
            )
        except Exception as exc:
            # onnxruntime raises classes of its own that share no base but Exception.
            raise ArtifactInvalid("model.onnx is not a model that ONNX Runtime opens") from exc
        self._check_tensors()

    def run(self, features: Floats, outputs: Sequence[str]) -> list[Floats]:
        """The named outputs, each with n rows, for features of shape (n, n_features)."""
        name = self._signature.input
        results: list[Floats] = self._session.run(list(outputs), {name: features})
        return results

    def probabilities(self, features: Floats) -> Floats:
        """Class probabilities, (n, n_classes), for features of shape (n, n_features)."""
        return self.run(features, [self._signature.probabilities])[0]

    def labels(self, features: Floats) -> list[int | str]:
        """The labels that the graph itself names for rows of shape (n, n_features)."""
        named: list[int | str] = self.run(features, [self._signature.label])[0].tolist()
        return named

    def self_test(self, golden: Golden) -> None:
        """Run the golden rows. Raises SelfTestFailed unless they come out as published."""
        expected = np.asarray(golden.probabilities, dtype=np.float64)
        features = np.asarray(golden.features, dtype=np.float32)
        try:
            found = self.probabilities(features)
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

    def _check_tensors(self) -> None:
        signature = self._signature
        inputs = {tensor.name: tensor for tensor in self._session.get_inputs()}
        outputs = {tensor.name for tensor in self._session.get_outputs()}
        expected = {signature.probabilities, signature.label, *signature.hidden}
        if set(inputs) != {signature.input} or not expected <= outputs:
            raise ArtifactInvalid(
                f"expected a graph from {signature.input} to {', '.join(sorted(expected))}, "
                f"got one from {', '.join(inputs)} to {', '.join(sorted(outputs))}"
            )
        tensor, width = inputs[signature.input], len(signature.features)
        if tensor.type != "tensor(float)" or len(tensor.shape) != 2 or tensor.shape[1] != width:
            raise ArtifactInvalid(
                f"expected an input of float32 [N, {width}], got {tensor.type} {tensor.shape}"
            )
        if isinstance(tensor.shape[0], int):
            raise ArtifactInvalid(f"expected any number of rows, got exactly {tensor.shape[0]}")


def _session_options() -> ort.SessionOptions:
    # One thread: a small graph is slower on several, and sizing them from the host's cores
    # oversubscribes a container.
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return options
