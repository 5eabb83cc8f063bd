"""What the numbers of a fit say of it, and what to try next."""

from collections.abc import Iterator

import numpy as np

from service.activations.table import TABLE
from service.model_repository.provenance import Diagnosis, Finding, ReferenceScore
from training.advice import Change, bounded, decayed, offered, slower, unvanished
from training.doubtful_settings import doubtful_settings
from training.inputs import Inputs
from training.network import Perceptron, hidden_values
from training.signs import VANISHING, Judged, LayerState, Observed, gradient_ratio, read_signs
from training.verdict import decide

# Gradients per weight in the first layer over those in the last.
_EXPLODING = 1e3
_MANY_DEAD, _MANY_SATURATED, _SATURATED_SHARE = 0.3, 0.5, 0.01


def diagnose(observed: Observed) -> Diagnosis:
    """A verdict by the decision table, and findings, the verdict's first."""
    signs = read_signs(observed)
    verdict, finding = decide(signs, observed.config, observed.tried)
    others = [
        *_gradients(observed),
        *_units(observed),
        *doubtful_settings(observed.config),
        *_length(observed),
    ]
    # What the verdict names as its cause is said once.
    told = [other for other in others if other.name != finding.name]
    return Diagnosis(
        verdict=verdict,
        findings=(finding, *told),
        references=_references(observed.judged),
    )


def _references(judged: Judged) -> tuple[ReferenceScore, ...]:
    return tuple(
        ReferenceScore(
            name=found.name,
            training_rows=found.rows,
            rows=len(found.answers),
            accuracy=found.answers.accuracy,
            log_loss=found.answers.log_loss,
        )
        for found in judged.references.found
    )


def layer_states(network: Perceptron, inputs: Inputs, activation: str) -> list[LayerState]:
    """The hidden layers of a network in evaluation mode over some rows."""
    return [_state(values, activation) for values in hidden_values(network, inputs)]


def _state(values: np.ndarray, activation: str) -> LayerState:
    dead = float((values == 0).all(axis=0).mean())
    bounds = TABLE[activation].bounds
    if bounds is None:
        return LayerState(dead, 0.0)
    margin = _SATURATED_SHARE * (bounds[1] - bounds[0])
    at_bound = (values <= bounds[0] + margin) | (values >= bounds[1] - margin)
    return LayerState(dead, float(at_bound.mean()))


def _gradients(observed: Observed) -> Iterator[Finding]:
    ratio = gradient_ratio(observed)
    if ratio is None:
        return
    numbers = {
        "first_layer_over_last": float(f"{ratio:.3g}"),
        "layers": float(len(observed.weights)),
    }
    if ratio < VANISHING:
        yield Finding(
            name="vanishing gradients",
            sentence=f"per weight, the gradient in the first layer is {ratio:.2g} of that in the "
            "last: the first layers hardly learn",
            numbers=numbers,
            advice=offered(unvanished(observed.config), observed.config, observed.tried),
        )
    if ratio > _EXPLODING:
        yield Finding(
            name="exploding gradients",
            sentence=f"per weight, the gradient in the first layer is {ratio:.2g} times that in "
            "the last: it grows on its way back",
            numbers=numbers,
            advice=offered(
                [bounded(observed.config), slower(observed.config)],
                observed.config,
                observed.tried,
            ),
        )


def _units(observed: Observed) -> Iterator[Finding]:
    for number, layer in enumerate(observed.layers, start=1):
        if layer.dead >= _MANY_DEAD:
            yield Finding(
                name="dead units",
                sentence=f"{layer.dead:.0%} of the units of hidden layer {number} are 0 on every "
                "validation row: they take no part",
                numbers={"layer": number, "share": round(layer.dead, 4)},
                advice=offered(
                    [slower(observed.config), Change("activation", "leaky_relu")],
                    observed.config,
                    observed.tried,
                ),
            )
        if layer.saturated >= _MANY_SATURATED and not layer.dead >= _MANY_DEAD:
            yield Finding(
                name="saturated units",
                sentence=f"{layer.saturated:.0%} of the values of hidden layer {number} lie at a "
                "bound of the activation function, where its derivative is about 0",
                numbers={"layer": number, "share": round(layer.saturated, 4)},
                advice=offered(
                    [Change("activation", "relu"), decayed(observed.config)],
                    observed.config,
                    observed.tried,
                ),
            )


def _length(observed: Observed) -> Iterator[Finding]:
    epochs = observed.config.epochs
    if len(observed.records) >= epochs and observed.best_epoch >= 0.95 * epochs >= 5:
        yield Finding(
            name="stopped early",
            sentence=f"the best epoch, {observed.best_epoch}, is among the last of {epochs}: the "
            "network was still learning",
            numbers={"best_epoch": observed.best_epoch, "epochs": epochs},
            advice=(f"--epochs {2 * epochs}",),
        )
