"""The gradient of one mini-batch, written out layer by layer.

Per hidden layer z = W x + b, batch normalisation if any, h = activation(z), then dropout; the loss
is the mean cross-entropy of softmax against the targets. Tests hold every gradient against
autograd's.
"""

from typing import Any

import torch
from torch import nn

from training.fitting.layers import Affine, Dropout, Hidden
from training.fitting.parameters import FlatParameters
from training.inputs import Inputs
from training.network import Perceptron


class Backpropagation:
    """Fills the gradients of `parameters` from mini-batches of at most `batch_size` rows.

    Matrix products and activations are of the parameters' `dtype`; the softmax, and what an
    optimiser sees, are in float32.
    """

    def __init__(
        self,
        network: Perceptron,
        parameters: FlatParameters,
        *,
        batch_size: int,
        seed: int,
        label_smoothing: float = 0.0,
    ) -> None:
        dtype = parameters.dtype
        self._parameters = parameters
        layers: list[Any] = list(network.layers)
        self._tables = network.embeddings
        n_inputs = next(m.in_features for m in layers if isinstance(m, nn.Linear))
        self._joined = torch.empty(batch_size, n_inputs, dtype=dtype)
        self._input_gradient = torch.empty_like(self._joined)
        self._input_dropout = None
        scale = 1.0
        if isinstance(layers[0], nn.Dropout):
            self._input_dropout = Dropout(
                layers.pop(0).p, torch.empty_like(self._joined), seed=seed, layer=0
            )
            scale = self._input_dropout.scale
        self._hidden: list[Hidden] = []
        while len(layers) > 1:
            cut = next(i for i, m in enumerate(layers) if isinstance(m, nn.Dropout)) + 1
            block = Hidden(
                layers[:cut],
                parameters,
                scale,
                batch_size=batch_size,
                seed=seed,
                layer=len(self._hidden) + 1,
            )
            self._hidden.append(block)
            scale, layers = block.scale, layers[cut:]
        self._output = Affine(layers[0], parameters, scale)
        n_classes = layers[0].out_features
        self._logits = torch.empty(batch_size, n_classes, dtype=dtype)
        # Target probabilities, of the other classes and of the true one (Szegedy et al. 2016,
        # section 7).
        self._spread = label_smoothing / n_classes
        self._minus_true = -(torch.ones(batch_size, 1) * (1 - label_smoothing) + self._spread)

    def begin(self, epoch: int) -> None:
        """Draw from here on the dropout masks of this epoch, counted from 1."""
        if self._input_dropout is not None:
            self._input_dropout.begin(epoch)
        for block in self._hidden:
            block.begin(epoch)

    def gradient_norms(self) -> tuple[float, ...]:
        """The Euclidean norm of the last gradient of every linear layer's weight, inputs first."""
        affines = [*(block.affine for block in self._hidden), self._output]
        return tuple(affine.gradient_norm() for affine in affines)

    @torch.no_grad()
    def gradient(self, inputs: Inputs, class_index: torch.Tensor) -> None:
        """The gradient of the mean loss of these rows; a new dropout mask for each of them."""
        rows = len(class_index)
        x = joined = self._join(inputs)
        for block in self._hidden:
            x = block.forward(x)
        logits = self._output.forward(x, self._logits[:rows])
        upstream = torch.softmax(logits, 1, dtype=torch.float32)
        self._subtract_targets(upstream, class_index)
        upstream = upstream.div_(rows).to(logits.dtype)
        below: Affine = self._output
        for i in reversed(range(len(self._hidden))):
            block = self._hidden[i]
            below.backward(block.output, upstream)
            upstream = block.backward(below.input_gradient(upstream, block.gradient[:rows]))
            below = block.affine
        below.backward(joined, upstream)
        if self._tables:
            out = self._input_gradient[:rows]
            self._to_embeddings(inputs, below.input_gradient(upstream, out))

    def _subtract_targets(self, probabilities: torch.Tensor, class_index: torch.Tensor) -> None:
        """In place, and without a row of targets a class: of 10,000 they would be 400 MB."""
        true, minus_true = class_index.unsqueeze(1), self._minus_true[: len(class_index)]
        if not self._spread:
            probabilities.scatter_add_(1, true, minus_true)
            return
        wanted = probabilities.gather(1, true).add_(minus_true)
        probabilities.sub_(self._spread).scatter_(1, true, wanted)

    def _join(self, inputs: Inputs) -> torch.Tensor:
        if not self._tables and self._input_dropout is None:
            return inputs.encoded.to(self._joined.dtype)
        joined = self._joined[: len(inputs)]
        start = inputs.encoded.shape[1]
        joined[:, :start] = inputs.encoded
        for i, table in enumerate(self._tables):
            stop = start + table.embedding_dim
            joined[:, start:stop] = table.weight.index_select(0, inputs.codes[:, i])
            start = stop
        if self._input_dropout is not None:
            self._input_dropout.draw(len(inputs))
            self._input_dropout.apply(joined)
        return joined

    def _to_embeddings(self, inputs: Inputs, upstream: torch.Tensor) -> None:
        if self._input_dropout is not None:
            self._input_dropout.apply(upstream)
        start = inputs.encoded.shape[1]
        for i, table in enumerate(self._tables):
            stop = start + table.embedding_dim
            home = self._parameters.view(self._parameters.gradient, table.weight)
            home.zero_()
            home.index_add_(0, inputs.codes[:, i], upstream[:, start:stop].float())
            start = stop
