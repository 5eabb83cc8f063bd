"""What a quick reference reaches on the rows that a network is judged by.

Two of them: multinomial logistic regression and nearest neighbours, both on the network's own
encoded inputs. Fitted to a sample of training rows that is small enough for a second or two.
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.inputs import Inputs, Rows
from training.metrics import Answers, Floats, Indices
from training.parts import row_parts

# Rows to fit to and to score, fewer where rows are wide.
_MOST_ROWS, _MOST_CELLS = 5_000, 2_000_000
# Rows times inputs times classes of one step of the regression; with more classes it is left out.
_MOST_PRODUCTS, _STEPS = 60_000_000, 100
_NEIGHBOURS = 5
# Categories of an embedded column that the references know, the commonest ones.
_MOST_CATEGORIES = 64


@dataclass(frozen=True)
class Reference:
    """One reference, fitted to so many rows: its answers to the rows that it is scored on, (m,)."""

    name: str
    rows: int
    answers: Answers


@dataclass(frozen=True)
class References:
    """What references answered on `scored`, (m,) numbers of judged rows."""

    scored: Indices
    found: tuple[Reference, ...]


def quick_references(training: Rows, judged: Rows, n_classes: int, seed: int) -> References:
    """Fit references to a sample of `training` rows, and answer a sample of `judged` rows."""
    generator = np.random.default_rng(seed)
    width = _width(training.inputs)
    most = max(n_classes, min(_MOST_ROWS, _MOST_CELLS // max(width, 1)))
    chosen = _sample(len(training), most, generator)
    scored = _sample(len(judged), most, generator)
    fitted, asked = _encoded(training.inputs, judged.inputs, chosen, scored)
    class_index = training.class_index.numpy()[chosen]
    true = judged.class_index.numpy()[scored]
    near = Answers.of_parts(_neighbours(fitted, class_index, asked, n_classes), true)
    found = [Reference("nearest neighbours", len(chosen), near)]
    if len(np.unique(class_index)) > 1 and fitted.size * n_classes <= _MOST_PRODUCTS:
        linear = Answers.of(_linear(fitted, class_index, asked, n_classes), true)
        found.insert(0, Reference("a linear model", len(chosen), linear))
    return References(scored, tuple(found))


def _sample(count: int, most: int, generator: np.random.Generator) -> Indices:
    if count <= most:
        return np.arange(count)
    return np.sort(generator.choice(count, most, replace=False))


def _width(inputs: Inputs) -> int:
    return inputs.encoded.shape[1] + _MOST_CATEGORIES * inputs.codes.shape[1]


def _encoded(
    training: Inputs, judged: Inputs, chosen: Indices, scored: Indices
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Both as one matrix each, the commonest codes of each embedded column one-hot."""
    fitted, asked = [training.encoded.numpy()[chosen]], [judged.encoded.numpy()[scored]]
    for place in range(training.codes.shape[1]):
        codes = training.codes[:, place].numpy()[chosen]
        counts = np.bincount(codes)
        known = np.argsort(-counts, kind="stable")[:_MOST_CATEGORIES]
        fitted.append((codes[:, None] == known).astype(np.float32))
        asked.append((judged.codes[:, place].numpy()[scored, None] == known).astype(np.float32))
    return np.concatenate(fitted, axis=1), np.concatenate(asked, axis=1)


def _linear(
    fitted: npt.NDArray[np.float32],
    class_index: Indices,
    asked: npt.NDArray[np.float32],
    n_classes: int,
) -> Floats:
    # Slow to import.
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(max_iter=_STEPS, tol=1e-3)
    with warnings.catch_warnings():
        # A reference need not be the best there is.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(fitted, class_index)
    probabilities = np.zeros((len(asked), n_classes))
    probabilities[:, model.classes_] = model.predict_proba(asked)
    return probabilities


def _neighbours(
    fitted: npt.NDArray[np.float32],
    class_index: Indices,
    asked: npt.NDArray[np.float32],
    n_classes: int,
) -> Iterator[Floats]:
    """The classes' shares among the nearest, with one more row that has the shares of all.

    Part after part of the rows that are asked about.
    """
    from sklearn.neighbors import NearestNeighbors

    count = min(_NEIGHBOURS, len(fitted))
    nearest = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(fitted)
    places = nearest.kneighbors(asked, return_distance=False)
    shares = np.bincount(class_index, minlength=n_classes) / len(class_index)
    for part in row_parts(len(asked), n_classes):
        votes = np.zeros((part.stop - part.start, n_classes))
        np.add.at(votes, (np.arange(len(votes))[:, None], class_index[places[part]]), 1)
        yield (votes + shares) / (count + 1)
