"""One model to be fitted on some rows of a table and judged on others."""

from dataclasses import dataclass
from itertools import pairwise

import torch

from training.fitting.batches import steps_an_epoch
from training.fitting.trainer import Optimisation
from training.network import ACTIVATIONS, Architecture, Perceptron, build_network

# An activation function with parameters of its own cannot be shared by a stack.
_LEARNED = "prelu"
# Numbers in all the weights of a stack: beyond that it no longer fits in a processor's cache.
_STACK_WEIGHTS = 1 << 22
_LARGEST_STACK = 128
_SAMPLE = 1000


@dataclass(frozen=True)
class Job:
    """What to fit and how; the rows, as indices into a table, to train and validate on.

    `initial_seed` is torch's seed for the starting weights. Jobs of one `fold` have the same rows.
    """

    shape: Architecture
    how: Optimisation
    training: torch.Tensor
    validation: torch.Tensor
    initial_seed: int
    fold: int

    def network(self) -> Perceptron:
        """The network with its starting weights."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.initial_seed)
            return build_network(self.shape)

    @property
    def identity(self) -> str:
        """Equal for a job of another process that trains the same network on the same rows."""
        return f"{self.shape} {self.how} {self.initial_seed} fold {self.fold}"

    def has_rows_of(self, other: "Job") -> bool:
        """Whether it trains and is validated on the same rows."""
        return torch.equal(self.training, other.training) and torch.equal(
            self.validation, other.validation
        )

    @property
    def n_weights(self) -> int:
        """About how many parameters the network has."""
        return sum(a * b for a, b in pairwise(self.shape.widths))

    @property
    def steps(self) -> int:
        """Steps an epoch."""
        return steps_an_epoch(len(self.training), self.how.batch_size)

    @property
    def can_be_stacked(self) -> bool:
        """Whether a stack of equally shaped models can train it."""
        return (
            self.how.dtype == torch.float32
            and not self.shape.batch_normalisation
            and self.shape.activation != _LEARNED
        )

    @property
    def stack(self) -> tuple[object, ...]:
        """Jobs with the same one can be trained together."""
        shape = self.shape
        alike = (shape.n_encoded, shape.embeddings, shape.hidden, shape.n_classes)
        return (*alike, shape.activation, self.how.batch_size, self.how.optimiser)


def stack_size(job: Job) -> int:
    """How many models of this kind train well together."""
    return max(1, min(_STACK_WEIGHTS // max(1, job.n_weights), _LARGEST_STACK))


def job_sample(job: Job) -> torch.Tensor:
    """The training rows on which the training side is measured, no more than to validate on."""
    most = min(_SAMPLE, len(job.validation))
    return job.training[:: -(-len(job.training) // most)]


def activation_of(job: Job) -> torch.nn.Module:
    """The activation function of the hidden layers."""
    return ACTIVATIONS[job.shape.activation]()
