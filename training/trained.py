"""What a run ends with: fitted networks behind the preprocessing that they were fitted with."""

from dataclasses import dataclass

import numpy as np
import torch

from service.inference.features import Features, Floats
from service.model_repository.signature import Signature
from training.dropout_masks import Masks, Spread, spread
from training.encoding import Preprocessing
from training.network import Perceptron, evaluation_logits
from training.tables.table import Label


@dataclass(frozen=True)
class TrainedModel:
    """One network, or an ensemble whose probabilities are averaged."""

    networks: tuple[Perceptron, ...]
    preprocessing: Preprocessing
    labels: tuple[Label, ...]
    signature: Signature
    masks: Masks | None = None

    def probabilities(self, features: Features) -> Floats:
        """PyTorch's evaluation-mode probabilities, (n, n_classes), for n raw rows."""
        inputs = self.preprocessing.encode(features)
        members = [torch.softmax(evaluation_logits(n, inputs), dim=1) for n in self.networks]
        return np.asarray(torch.stack(members).mean(0).numpy())

    def spread(self, features: Features) -> Spread:
        """What the dropout masks say of n raw rows."""
        assert self.masks is not None
        return spread(self.networks, self.masks, self.preprocessing.encode(features))
