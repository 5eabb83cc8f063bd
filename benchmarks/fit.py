"""Fit throughput against the loop that a PyTorch user would write, in one run and one table.

The other side is a DataLoader over a TensorDataset, nn.Linear, nn.ReLU, nn.Dropout, autograd and
torch.optim.SGD, in float32; this side is training.fitting with the same settings and starting
weights. They take turns of a second or so, and the rates are medians over the turns. Beside them
scikit-learn's MLPClassifier, which has no dropout, and the share of PyTorch's own matrix-product
rate that this side reaches.

    make bench-fit                   Fashion-MNIST and digits, about six minutes on 2 cores
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from sklearn.neural_network import MLPClassifier
from torch import nn

from training.fitting.backpropagation import Backpropagation
from training.fitting.batches import InMemory
from training.fitting.optimiser import SGD
from training.fitting.parameters import FlatParameters
from training.inputs import Inputs, Rows
from training.network import Architecture, Perceptron, build_network, evaluation_logits
from training.preprocess import learn
from training.tables.datasets import load_dataset

DROPOUT, RATE, MOMENTUM, DECAY = 0.3, 0.05, 0.9, 1e-5


@dataclass(frozen=True)
class Case:
    """One network on one data set; `wanted` are the ratios that float32 and bfloat16 must reach."""

    dataset: str
    widths: tuple[int, ...]
    batch_size: int
    epochs: int
    turns_an_epoch: int
    copies: int
    wanted: tuple[float, float | None]


CASES = (
    Case("fashion-mnist", (784, 256, 256, 10), 256, 6, 5, 1, (1.5, 2.5)),
    Case("fashion-mnist", (784, 1024, 1024, 1024, 10), 128, 2, 20, 1, (1.3, 2.5)),
    Case("digits", (64, 64, 10), 64, 12, 2, 8, (2.0, None)),
)


class Contestant:
    """Trains epoch after epoch, stopping after every step; `steps` is an endless generator."""

    def __init__(self, name: str, steps: Iterator[None], accuracy: Callable[[], float]) -> None:
        self.name, self._steps, self.accuracy = name, steps, accuracy
        self.seconds: list[float] = []

    def take_turn(self, steps: int) -> None:
        start = time.perf_counter()
        for _ in range(steps):
            next(self._steps)
        self.seconds.append(time.perf_counter() - start)


def ours(case: Case, train: Rows, test: Rows, dtype: torch.dtype) -> Contestant:
    """training.fitting, as `python -m training fit` runs it."""
    network = _network(case)
    parameters = FlatParameters(network, dtype)
    step = Backpropagation(network, parameters, batch_size=case.batch_size, seed=1)
    optimiser = SGD(parameters, momentum=MOMENTUM, weight_decay=DECAY)
    batches = InMemory(train, batch_size=case.batch_size, dtype=dtype, seed=1)

    def steps() -> Iterator[None]:
        while True:
            for batch in batches.epoch(1):
                step.gradient(batch.inputs, batch.class_index)
                optimiser.step(RATE)
                yield

    def accuracy() -> float:
        return _accuracy(evaluation_logits(network, test.inputs), test)

    return Contestant(f"mlpserve {_name(dtype)}", steps(), accuracy)


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def theirs(case: Case, train: Rows, test: Rows) -> Contestant:
    """The loop of every tutorial."""
    network = nn.Sequential(*_network(case).layers)
    optimiser = torch.optim.SGD(
        network.parameters(), lr=RATE, momentum=MOMENTUM, weight_decay=DECAY
    )
    data = torch.utils.data.TensorDataset(train.inputs.encoded, train.class_index)
    loader = torch.utils.data.DataLoader(data, batch_size=case.batch_size, shuffle=True)
    criterion = nn.CrossEntropyLoss()

    def steps() -> Iterator[None]:
        network.train()
        while True:
            for features, class_index in loader:
                optimiser.zero_grad()
                loss = criterion(network(features), class_index)
                loss.backward()
                optimiser.step()
                yield

    def accuracy() -> float:
        network.eval()
        with torch.no_grad():
            return _accuracy(network(test.inputs.encoded), test)

    return Contestant("DataLoader loop", steps(), accuracy)


def scikit_learn(case: Case, train: Rows, test: Rows) -> Contestant:
    """MLPClassifier with SGD: no dropout, so it has less to do."""
    model = MLPClassifier(
        case.widths[1:-1],
        solver="sgd",
        batch_size=case.batch_size,
        learning_rate_init=RATE,
        momentum=MOMENTUM,
        nesterovs_momentum=False,
        random_state=1,
    )
    features, class_index = train.inputs.encoded.numpy(), train.class_index.numpy()
    classes = np.unique(class_index)

    def steps() -> Iterator[None]:
        # Twenty steps' rows a call: a call for every one of them would cost more than the step.
        size = 20 * case.batch_size
        while True:
            order = np.random.default_rng(1).permutation(len(features))
            for start in range(0, len(features), size):
                chosen = order[start : start + size]
                model.partial_fit(features[chosen], class_index[chosen], classes=classes)
                yield from [None] * -(-len(chosen) // case.batch_size)

    def accuracy() -> float:
        return float(model.score(test.inputs.encoded.numpy(), test.class_index.numpy()))

    return Contestant("MLPClassifier", steps(), accuracy)


def _network(case: Case) -> Perceptron:
    torch.manual_seed(0)
    hidden = case.widths[1:-1]
    return build_network(
        Architecture(case.widths[0], (), hidden, case.widths[-1], "relu", (DROPOUT,) * len(hidden))
    )


def _accuracy(logits: torch.Tensor, test: Rows) -> float:
    return (logits.argmax(dim=1) == test.class_index).float().mean().item()


def _data(case: Case) -> tuple[Rows, Rows]:
    table = load_dataset(case.dataset)
    cut = len(table.class_index) - (table.test_rows or 360)
    learned = learn(table.features[:cut], table.columns, scaling="standard", bins=0)
    # A constant column would be left out; the network's width is part of the case.
    whole = learned.preprocessing.encode(table.features).encoded
    padded = nn.functional.pad(whole, (0, case.widths[0] - whole.shape[1]))
    classes = torch.from_numpy(table.class_index.copy())

    def rows(chosen: slice, copies: int) -> Rows:
        encoded = padded[chosen].repeat(copies, 1)
        codes = torch.empty(len(encoded), 0, dtype=torch.int64)
        return Rows(Inputs(encoded, codes), classes[chosen].repeat(copies))

    return rows(slice(cut), case.copies), rows(slice(cut, None), 1)


def _product_rate(case: Case, dtype: torch.dtype) -> float:
    """PyTorch's rate on the very matrix products of a training step, in FLOP/s."""
    operands = []
    for fan_in, fan_out in pairwise(case.widths):
        x = torch.randn(case.batch_size, fan_in).to(dtype)
        operands.append((x, torch.randn(fan_out, fan_in).to(dtype)))

    def step() -> None:
        for number, (x, weight) in enumerate(operands):
            upstream = torch.mm(x, weight.t())
            torch.mm(upstream.t(), x)
            if number:
                torch.mm(upstream, weight)

    for _ in range(20):
        step()
    samples = []
    for _ in range(7):
        start = time.perf_counter()
        for _ in range(20):
            step()
        samples.append((time.perf_counter() - start) / 20)
    return _flops_a_row(case) * case.batch_size / statistics.median(samples)


def _flops_a_row(case: Case) -> int:
    layers = list(pairwise(case.widths))
    return sum(6 * a * b for a, b in layers) - 2 * layers[0][0] * layers[0][1]


def _contestants(case: Case, train: Rows, test: Rows) -> Iterator[Contestant]:
    yield theirs(case, train, test)
    yield ours(case, train, test, torch.float32)
    if torch.cpu.get_capabilities().get("avx512_bf16") or torch.cpu.get_capabilities().get(
        "amx_bf16"
    ):
        yield ours(case, train, test, torch.bfloat16)
    yield scikit_learn(case, train, test)


def compare(case: Case) -> None:
    """Run one case and print its part of the table."""
    train, test = _data(case)
    contestants = list(_contestants(case, train, test))
    steps_an_epoch = -(-len(train) // case.batch_size)
    turns = case.epochs * case.turns_an_epoch
    steps = steps_an_epoch // case.turns_an_epoch
    for _ in range(turns):
        for contestant in contestants:
            contestant.take_turn(steps)
    rows = steps * case.batch_size
    rates = {c.name: rows / statistics.median(c.seconds) for c in contestants}
    base = rates["DataLoader loop"]
    wanted = dict(zip(("mlpserve float32", "mlpserve bfloat16"), case.wanted, strict=True))
    shape = "-".join(map(str, case.widths))
    print(f"\n{shape}, batch {case.batch_size}, {case.epochs} epochs of {case.dataset}")
    print(f"{'':18}   rows/s   ratio  wanted  accuracy  share of torch's product rate")
    for contestant in contestants:
        name, rate = contestant.name, rates[contestant.name]
        least = f"{wanted[name]:.1f}" if wanted.get(name) else ""
        share = ""
        if name.startswith("mlpserve"):
            dtype = torch.float32 if name.endswith("32") else torch.bfloat16
            share = f"{rate * _flops_a_row(case) / _product_rate(case, dtype):.0%}"
        print(
            f"{name:18} {rate:8,.0f}  {rate / base:5.2f}x  {least:>6}  "
            f"{contestant.accuracy():8.4f}  {share:>6}",
            flush=True,
        )


def main() -> None:
    """Compare every case."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"PyTorch {torch.__version__}, {options.threads} threads")
    for case in CASES:
        compare(case)


if __name__ == "__main__":
    main()
