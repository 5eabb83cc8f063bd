"""Forward and backward pass of many equally shaped models, one batched product a layer.

The same mathematics as backpropagation.py with the models as a first axis. A test holds what it
trains against what each model gives alone.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from training.fitting.job import Job, activation_of
from training.fitting.stacked_dropout import StackedDropout, drop, pass_positive
from training.fitting.stacked_parameters import StackedParameters
from training.inputs import Inputs

_VALUES_AT_ONCE = 1 << 22


@dataclass(frozen=True)
class Step:
    """The rows of one step: `rows` (models, batch) into the table, `weights` alike.

    A weight is 1 / (rows of that model), or 0 where a model has fewer rows than another.
    """

    rows: torch.Tensor
    weights: torch.Tensor


class StackedGradient:
    """Fills `gradients`, in the order of `parameters.all`, from mini-batches of `table`."""

    def __init__(
        self,
        jobs: Sequence[Job],
        parameters: StackedParameters,
        table: Inputs,
        class_index: torch.Tensor,
    ) -> None:
        first = jobs[0]
        self._parameters, self._table, self._class_index = parameters, table, class_index
        self._activation = activation_of(first)
        self._is_relu = isinstance(self._activation, nn.ReLU)
        widths = first.shape.widths[:-1]
        seeds = [job.how.seed for job in jobs]
        rates = [(job.shape.input_dropout, *job.shape.dropout) for job in jobs]
        self._dropouts = [
            StackedDropout([r[layer] for r in rates], seeds, layer=layer, row_bytes=width)
            for layer, width in enumerate(widths)
        ]
        self._smoothing = torch.tensor([job.how.label_smoothing for job in jobs])
        self._buffers: dict[tuple[str, int], torch.Tensor] = {}
        self.gradients = [torch.zeros_like(tensor) for tensor in parameters.all]

    def keep(self, models: torch.Tensor) -> None:
        """Leave only these models, in this order; `parameters` has them already."""
        for dropout in self._dropouts:
            dropout.keep(models.tolist())
        self._smoothing = self._smoothing[models]
        self._buffers.clear()
        self.gradients = [torch.zeros_like(tensor) for tensor in self._parameters.all]

    def begin(self, epoch: int, rows: Sequence[Sequence[int]]) -> None:
        """Draw the masks of this epoch, whose step s has rows[s][i] rows of model i."""
        for dropout in self._dropouts:
            if dropout.is_on:
                dropout.begin(epoch, rows)

    @torch.no_grad()
    def __call__(self, step: Step) -> None:
        """The gradient of the mean loss of each of the first models that the step has rows for."""
        models, batch = step.rows.shape
        parameters, dropouts = self._parameters, self._dropouts
        n_hidden = len(parameters.weights) - 1
        outputs = [self._join(step.rows)]
        inner: list[tuple[torch.Tensor, torch.Tensor] | None] = []
        noises: list[torch.Tensor | None] = [self._drop(outputs[0], 0)]
        for layer in range(n_hidden):
            weight, bias = parameters.weights[layer][:models], parameters.biases[layer][:models]
            z = self._buffer("z", layer, models, batch, weight.shape[1])
            torch.baddbmm(bias.unsqueeze(1), outputs[-1], weight.transpose(1, 2), out=z)
            z, kept = self._activate(z)
            inner.append(kept)
            noises.append(self._drop(z, layer + 1))
            outputs.append(z)
        upstream = self._logit_gradient(step, outputs[-1])
        weight = parameters.weights[-1][:models]
        n_tables = len(parameters.tables)
        self._affine_gradient(n_hidden, upstream, outputs[-1])
        down = upstream.transpose(1, 2)
        for layer in reversed(range(n_hidden)):
            passed = self._buffer("up", layer, models, batch, weight.shape[2])
            torch.bmm(down, weight, out=passed)
            down = self._through(passed, outputs[layer + 1], noises[layer + 1], inner[layer], layer)
            self._affine_gradient(layer, down.transpose(1, 2), outputs[layer])
            weight = parameters.weights[layer][:models]
        if n_tables:
            passed = torch.bmm(down, weight)
            if noises[0] is not None:
                drop(passed, noises[0]).mul_(dropouts[0].scale[:models])
            self._to_tables(step.rows, passed)

    def _join(self, rows: torch.Tensor) -> torch.Tensor:
        models, batch = rows.shape
        flat = rows.reshape(-1)
        width = self._parameters.weights[0].shape[2]
        joined = self._buffer("x", 0, models, batch, width)
        if not self._parameters.tables:
            torch.index_select(self._table.encoded, 0, flat, out=joined.view(-1, width))
            return joined
        start = self._table.encoded.shape[1]
        joined[:, :, :start] = self._table.encoded.index_select(0, flat).view(models, batch, start)
        codes = self._table.codes.index_select(0, flat).view(models, batch, -1)
        for i, table in enumerate(self._parameters.tables):
            found = table[:models].flatten(0, 1).index_select(0, self._places(codes, i, table))
            joined[:, :, start : start + table.shape[2]] = found.view(models, batch, -1)
            start += table.shape[2]
        return joined

    def _places(self, codes: torch.Tensor, i: int, table: torch.Tensor) -> torch.Tensor:
        offsets = torch.arange(len(codes)).view(-1, 1) * table.shape[1]
        return (codes[:, :, i] + offsets).reshape(-1)

    def _drop(self, values: torch.Tensor, layer: int) -> torch.Tensor | None:
        dropout = self._dropouts[layer]
        if not dropout.is_on:
            return None
        noise = dropout.noise(self._buffer("noise", layer, *values.shape))
        drop(values, noise).mul_(dropout.scale[: len(values)])
        return noise

    def _activate(
        self, z: torch.Tensor
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor] | None]:
        if self._is_relu:
            return torch.relu_(z), None
        with torch.enable_grad():
            inner = z.detach().clone().requires_grad_()
            output = self._activation(inner)
        return output.detach().clone(), (inner, output)

    def _through(
        self,
        upstream: torch.Tensor,
        output: torch.Tensor,
        noise: torch.Tensor | None,
        inner: tuple[torch.Tensor, torch.Tensor] | None,
        layer: int,
    ) -> torch.Tensor:
        """From the gradient at a hidden layer's output to that at its affine sum."""
        if noise is not None:
            upstream.mul_(self._dropouts[layer + 1].scale[: len(upstream)])
        if inner is None:
            return pass_positive(upstream, output)
        if noise is not None:
            drop(upstream, noise)
        return torch.autograd.grad(inner[1], inner[0], upstream)[0]

    def _logit_gradient(self, step: Step, hidden: torch.Tensor) -> torch.Tensor:
        """(models, n_classes, batch): softmax along a long axis is vectorised."""
        models, batch = step.rows.shape
        weight, bias = self._parameters.weights[-1][:models], self._parameters.biases[-1][:models]
        n_classes = weight.shape[1]
        logits = self._buffer("logits", 0, models, n_classes, batch)
        torch.baddbmm(bias.unsqueeze(2), weight, hidden.transpose(1, 2), out=logits)
        upstream = torch.softmax(logits, 1)
        smoothing = self._smoothing[:models].view(-1, 1, 1)
        true = self._class_index.index_select(0, step.rows.reshape(-1)).view(models, 1, batch)
        upstream.scatter_add_(1, true, (smoothing - 1).expand(-1, -1, batch).contiguous())
        upstream.sub_(smoothing / n_classes)
        return upstream.mul_(step.weights.unsqueeze(1))

    def _affine_gradient(self, layer: int, upstream: torch.Tensor, x: torch.Tensor) -> None:
        """`upstream` is (models, out, batch)."""
        models = len(upstream)
        n_tables, n_weights = len(self._parameters.tables), len(self._parameters.weights)
        torch.bmm(upstream, x, out=self.gradients[n_tables + layer][:models])
        torch.sum(upstream, 2, out=self.gradients[n_tables + n_weights + layer][:models])

    def _to_tables(self, rows: torch.Tensor, upstream: torch.Tensor) -> None:
        start = self._table.encoded.shape[1]
        codes = self._table.codes.index_select(0, rows.reshape(-1)).view(*rows.shape, -1)
        for i, table in enumerate(self._parameters.tables):
            width = table.shape[2]
            home = self.gradients[i][: len(rows)]
            home.zero_()
            part = upstream[:, :, start : start + width].reshape(-1, width)
            home.flatten(0, 1).index_add_(0, self._places(codes, i, table), part)
            start += width

    def gradient_norms(self) -> torch.Tensor:
        """(models, linear layers): Euclidean norms of the weights' last gradients."""
        first = len(self._parameters.tables)
        weights = self.gradients[first : first + len(self._parameters.weights)]
        return torch.stack([g.flatten(1).norm(dim=1) for g in weights], dim=1)

    @torch.no_grad()
    def logits(self, models: slice, inputs: Inputs) -> torch.Tensor:
        """Evaluation mode: (models, n, n_classes) of the same rows, by each of these models."""
        parameters = self._parameters
        count = len(range(*models.indices(len(parameters.weights[0]))))
        width = max(weight.shape[1] for weight in parameters.weights)
        at_once = max(1, _VALUES_AT_ONCE // (count * width))
        parts = [
            self._part_logits(models, inputs[start : start + at_once])
            for start in range(0, len(inputs), at_once)
        ]
        return torch.cat(parts, dim=1)

    def _part_logits(self, models: slice, inputs: Inputs) -> torch.Tensor:
        parameters = self._parameters
        count = len(parameters.weights[0][models])
        embedded = [
            table[models].index_select(1, inputs.codes[:, i])
            for i, table in enumerate(parameters.tables)
        ]
        x = torch.cat([inputs.encoded.expand(count, -1, -1), *embedded], dim=2)
        for layer, (weight, bias) in enumerate(
            zip(parameters.weights, parameters.biases, strict=True)
        ):
            x = torch.baddbmm(bias[models].unsqueeze(1), x, weight[models].transpose(1, 2))
            if layer + 1 < len(parameters.weights):
                x = torch.relu_(x) if self._is_relu else self._activation(x)
        return x

    def _buffer(self, name: str, layer: int, *shape: int) -> torch.Tensor:
        count = math.prod(shape)
        home = self._buffers.get((name, layer))
        if home is None or len(home) < count:
            home = self._buffers[name, layer] = torch.empty(count)
        return home[:count].view(shape)
