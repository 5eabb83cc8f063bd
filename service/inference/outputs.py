"""Whether a graph answers rows as its signature says, at every size and in any company."""

from collections.abc import Callable, Sequence

import numpy as np

from service.errors import ArtifactInvalid, SelfTestFailed
from service.inference.features import Features, Floats
from service.model_repository.signature import Signature

# One row, a few, and a number that no graph is written for.
_SIZES = (17, 2, 1)
# Matrix products of other sizes are rounded in another order.
_COMPANY_TOLERANCE = 1e-4
# Booleans, whole numbers and text, in numpy's letters.
_LABEL_KINDS = "biOU"


def check_outputs(
    run: Callable[[Features, Sequence[str]], list[Floats]], signature: Signature, rows: Features
) -> None:
    """Run the rows, repeated, at a few sizes. Raises ArtifactInvalid and SelfTestFailed."""
    ranks = _ranks(signature)
    whole: Floats | None = None
    widths: dict[str, tuple[int, ...]] = {}
    for size in _SIZES:
        some = rows[np.arange(size) % len(rows)]
        try:
            found = dict(zip(ranks, run(some, list(ranks)), strict=True))
        except Exception as exc:
            raise ArtifactInvalid(f"model.onnx does not run on {size} rows: {exc}") from exc
        for name, values in found.items():
            _check(name, values, rank=ranks[name], rows=size, label=name == signature.label)
            if values.shape[1:] != widths.setdefault(name, values.shape[1:]):
                raise ArtifactInvalid(f"the output '{name}' has another width for {size} rows")
        probabilities = found[signature.probabilities]
        whole = probabilities if whole is None else whole
        if not np.allclose(probabilities, whole[:size], rtol=0, atol=_COMPANY_TOLERANCE):
            raise SelfTestFailed(
                f"{size} rows came out differently than as the first of {len(whole)}"
            )


def _ranks(signature: Signature) -> dict[str, int]:
    ranks = {signature.probabilities: 2, signature.label: 1}
    ranks |= dict.fromkeys(signature.hidden, 2)
    masked = signature.uncertainty
    if masked is not None:
        ranks |= {masked.probabilities: 2, masked.entropy: 1, masked.mutual_information: 1}
    return ranks


def _check(name: str, values: Floats, *, rank: int, rows: int, label: bool) -> None:
    sound = values.dtype.kind in _LABEL_KINDS if label else values.dtype == np.float32
    if values.ndim != rank or not sound:
        wanted = "labels [N]" if label else f"float32 {['[N]', '[N, width]'][rank - 1]}"
        raise ArtifactInvalid(
            f"the output '{name}': expected {wanted}, got {values.dtype} {list(values.shape)} "
            f"for {rows} rows"
        )
