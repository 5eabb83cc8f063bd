"""Standardisation, learned from training rows only."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

Floats = npt.NDArray[np.float32]

# No row of a table of 100 million can lie further from its own mean, in standard deviations
# (Samuelson 1968: at most sqrt(n - 1)), so training never sees the clip; a served row can, and
# then neither PyTorch nor any ONNX runtime overflows.
CLIP = 1e4


@dataclass(frozen=True)
class Standardisation:
    """(x - mean) * inverse_scale, clipped to +-CLIP; both arrays of shape (n_features,)."""

    mean: Floats
    inverse_scale: Floats

    def apply(self, features: Floats) -> torch.Tensor:
        """Standardised features, (n, n_features), as a tensor."""
        centred = torch.from_numpy(features) - torch.from_numpy(self.mean)
        return torch.clamp(centred * torch.from_numpy(self.inverse_scale), -CLIP, CLIP)


def learn_standardisation(features: Floats) -> Standardisation:
    """Mean and standard deviation of each column; a constant column is only centred."""
    wide = features.astype(np.float64)
    mean, deviation = wide.mean(axis=0), wide.std(axis=0)
    # Of a constant column the computed deviation is rounding noise, not always 0.
    constant = deviation <= 1e-7 * np.abs(mean)
    scale = np.where(constant | (deviation < 1e-30), 1.0, deviation)
    return Standardisation(mean.astype(np.float32), (1.0 / scale).astype(np.float32))
