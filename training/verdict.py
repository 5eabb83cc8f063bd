"""The decision table from the signs of a fit to its verdict. docs/verdict.md prints it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from service.model_repository.provenance import Finding, Verdict
from training.advice import (
    Change,
    Suggestion,
    Tried,
    faster,
    larger,
    offered,
    restrained,
    slower,
    unvanished,
)
from training.config import RunConfig
from training.signs import Signs

# Rows that a network is judged by, and training rows of the smallest class.
FEWEST_ROWS, FEWEST_ROWS_A_CLASS = 20, 50
# In shares of the loss of guessing.
LARGE_GAP, LARGE_RISE, MUCH_LEFT = 0.15, 0.1, 0.5


@dataclass(frozen=True)
class Row:
    """One line of the table: the first whose condition holds gives verdict and finding."""

    when: str
    holds: Callable[[Signs], bool]
    verdict: Verdict
    name: str
    says: Callable[[Signs], str]
    advises: Callable[[RunConfig, Signs], Sequence[Suggestion]]


def decide(signs: Signs, config: RunConfig, tried: Tried = ()) -> tuple[Verdict, Finding]:
    """The verdict of the first row that holds, and why."""
    row = next(row for row in TABLE if row.holds(signs))
    losses = (
        f"training loss {signs.training_loss:.3g}, validation loss {signs.validation_loss:.3g} "
        f"(guessing: {signs.guessing:.3g})"
    )
    finding = Finding(
        name=row.name,
        sentence=f"{losses}, accuracy {signs.accuracy:.3f} (always the commonest class: "
        f"{signs.majority:.3f}; {signs.best_reference}: {signs.best_reference_accuracy:.3f}): "
        f"{row.says(signs)}",
        numbers={
            "training_loss": round(signs.training_loss, 4),
            "validation_loss": round(signs.validation_loss, 4),
            "loss_of_guessing": round(signs.guessing, 4),
            "rows_judged": signs.rows,
            "fewest_rows_of_a_class": signs.fewest,
        },
        advice=offered(row.advises(config, signs), config, tried),
    )
    return row.verdict, finding


def _guesses(signs: Signs) -> bool:
    return not signs.beats_guessing


def _learned_by_heart(signs: Signs) -> bool:
    return (
        signs.gap >= LARGE_GAP
        or (signs.rise >= LARGE_RISE and signs.fall > 0)
        or signs.validation_loss >= signs.guessing
    )


def _is_behind(signs: Signs) -> bool:
    return signs.better_reference is not None


def _fits_better_than_the_reference(signs: Signs) -> bool:
    return _is_behind(signs) and signs.training_accuracy > signs.better_reference_accuracy


def _has_few(signs: Signs) -> bool:
    return signs.fewest < FEWEST_ROWS_A_CLASS


def _few_advice(config: RunConfig, _: Signs) -> list[Suggestion]:
    return ["more rows", "select --learning-curve", *restrained(config)]


def _too_few_to_judge(_: Signs) -> str:
    return "so few rows to judge by say little of new ones, whatever they say"


def _behind(signs: Signs) -> str:
    return (
        f"{signs.better_reference}, fitted in passing, is right on "
        f"{signs.better_reference_accuracy:.1%} of the rows that the network is judged by"
    )


def _lost(signs: Signs) -> str:
    listed = ", ".join(f"'{label}'" for label in signs.lost_classes[:8])
    more = ", ..." if len(signs.lost_classes) > 8 else ""
    return f"no row of {listed}{more} is recognised, however good the accuracy"


def _well(signs: Signs) -> str:
    if signs.left <= MUCH_LEFT:
        return "what was learned holds on rows that were not trained on"
    return (
        "what was learned holds on rows that were not trained on; much of the loss of guessing is "
        "left, and no quick reference does better: labels may be noisy, or the features say no more"
    )


TABLE: tuple[Row, ...] = (
    Row(
        when=f"fewer than {FEWEST_ROWS} rows to judge by",
        holds=lambda s: s.rows < FEWEST_ROWS,
        verdict="too little data",
        name="few rows to judge by",
        says=_too_few_to_judge,
        advises=lambda _c, _s: ["more rows", "select, which judges by every row but the test rows"],
    ),
    Row(
        when="no better than guessing, and all units of a hidden layer are dead",
        holds=lambda s: _guesses(s) and s.dead_layer,
        verdict="no better than guessing",
        name="dead layer",
        says=lambda _s: "a hidden layer answers 0 whatever the row: nothing passes through it",
        advises=lambda c, _s: [slower(c), Change("activation", "leaky_relu")],
    ),
    Row(
        when="no better than guessing, and the gradient vanishes on its way to the first layer",
        holds=lambda s: _guesses(s) and s.vanishing,
        verdict="no better than guessing",
        name="vanishing gradients",
        says=lambda _s: "the gradient vanishes on its way back, so the first layers never learned",
        advises=lambda c, _s: unvanished(c),
    ),
    Row(
        when="no better than guessing, and it ran out of epochs while the losses fell, or the "
        "training loss is above guessing and has hardly moved",
        holds=lambda s: _guesses(s) and (s.still_learning or s.unmoved),
        verdict="underfitting",
        name="not trained yet",
        says=lambda _s: (
            "the loss has hardly begun to fall: the learning rate is too small for so few epochs"
        ),
        advises=lambda c, _s: [faster(c, 100), f"--epochs {4 * c.epochs}"],
    ),
    Row(
        when="no better than guessing, and the training loss is above guessing",
        holds=lambda s: _guesses(s) and s.above_guessing,
        verdict="no better than guessing",
        name="unsteady",
        says=lambda _s: "the training loss never came down to guessing: steps are too large",
        advises=lambda c, _s: [slower(c)],
    ),
    Row(
        when="no better than guessing, and a reference is better",
        holds=lambda s: _guesses(s) and s.reference_beats_guessing,
        verdict="no better than guessing",
        name="nothing learned",
        says=lambda _s: "the features do tell the classes apart, and the network does not",
        advises=lambda c, _s: larger(c),
    ),
    Row(
        when="no better than guessing",
        holds=_guesses,
        verdict="no better than guessing",
        name="nothing to learn",
        says=lambda _s: (
            "neither the network nor a quick reference finds anything of the label in "
            "the features that is beyond chance: another setting will hardly help"
        ),
        advises=lambda _c, _s: [
            "look at the data: is the label the right column, and in the order of its rows?",
            "other features",
        ],
    ),
    Row(
        when="a column gives the label away by itself",
        holds=lambda s: bool(s.leaks),
        verdict="suspected leak",
        name="suspected leak",
        says=lambda s: f"too good to be believed: {s.leaks[0]}",
        advises=lambda _c, _s: ["--ignore what is not known before the label is"],
    ),
    Row(
        when="the gap, or the rise after the best epoch, is large, or the loss is above guessing; "
        f"a class has fewer than {FEWEST_ROWS_A_CLASS} training rows",
        holds=lambda s: _learned_by_heart(s) and _has_few(s),
        verdict="too little data",
        name="too little data",
        says=lambda s: (
            "what was learned does not hold on other rows, and the smallest class has "
            f"{s.fewest:g} rows to learn from"
        ),
        advises=_few_advice,
    ),
    Row(
        when="the gap, or the rise after the best epoch, is large, or the loss is above guessing",
        holds=_learned_by_heart,
        verdict="overfitting",
        name="overfitting",
        says=lambda _s: "the network learns the training rows by heart",
        advises=lambda c, _s: [*restrained(c), "more rows"],
    ),
    Row(
        when="a reference is clearly better, and it ran out of epochs while the losses fell",
        holds=lambda s: _is_behind(s) and s.still_learning,
        verdict="underfitting",
        name="not trained yet",
        says=lambda s: f"{_behind(s)}, and the network was still learning at the last epoch",
        advises=lambda c, _s: [f"--epochs {2 * c.epochs}", faster(c, 10), *larger(c)[:-1]],
    ),
    Row(
        when="a reference is clearly better, and the network does better than it on training rows; "
        f"a class has fewer than {FEWEST_ROWS_A_CLASS} training rows",
        holds=lambda s: _fits_better_than_the_reference(s) and _has_few(s),
        verdict="too little data",
        name="behind a reference",
        says=lambda s: f"{_behind(s)}; what the network learned of few rows does not hold",
        advises=_few_advice,
    ),
    Row(
        when="a reference is clearly better, and the network does better than it on training rows",
        holds=_fits_better_than_the_reference,
        verdict="overfitting",
        name="behind a reference",
        says=lambda s: f"{_behind(s)}; the network does well on the rows that it has seen alone",
        advises=lambda c, _s: [*restrained(c), "more rows"],
    ),
    Row(
        when="a reference is clearly better",
        holds=_is_behind,
        verdict="underfitting",
        name="underfitting",
        says=lambda s: f"{_behind(s)}; the network is too small or too restrained",
        advises=lambda c, _s: larger(c),
    ),
    Row(
        when="a class with 3 judged rows or more has a recall of 0",
        holds=lambda s: bool(s.lost_classes),
        verdict="misses a class",
        name="misses a class",
        says=_lost,
        advises=lambda _c, _s: [
            "more rows of the class",
            "decide by its probability in place of the label",
        ],
    ),
    Row(
        when="otherwise",
        holds=lambda _s: True,
        verdict="well fitted",
        name="well fitted",
        says=_well,
        advises=lambda _c, _s: [],
    ),
)
