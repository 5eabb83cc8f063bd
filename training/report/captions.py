"""What each picture shows, and what to look for in it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Caption:
    """`shows` stands for a picture that cannot be seen; `look` is the line below it."""

    shows: str
    look: str


CAPTIONS = {
    "losses": Caption(
        "Training and validation loss over epochs",
        "Look for a validation loss that rises while the training loss still falls: from there on "
        "the network learns its rows by heart. The dot is the best epoch.",
    ),
    "gradients": Caption(
        "Gradient norms of each layer over epochs",
        "Look for a layer that lies a hundred times below the others, which hardly learns, and "
        "for norms that climb, before a run diverges.",
    ),
    "selection": Caption(
        "Every setting's mean validation log-loss with its standard error",
        "Look for how many settings lie within the bar of the best one: between those the folds "
        "cannot decide, and the simplest is chosen.",
    ),
    "confusion": Caption(
        "Test rows by true and predicted class",
        "Look for a class that is often taken for one other: these two need features that tell "
        "them apart.",
    ),
    "classes": Caption(
        "F1 of each class on test rows",
        "Look for short bars, and for a cross, which is a class that is never recognised: it needs "
        "rows to learn from, or features that tell it apart.",
    ),
    "reliability": Caption(
        "Accuracy against confidence on test rows",
        "Look for dots whose bar, the 95 % interval, misses the dotted line: below it the model is "
        "surer than it is right, above it the other way round. A dot is as large as its rows are "
        "many.",
    ),
    "uncertainty": Caption(
        "Error against uncertainty, and rows of another kind",
        "Look for errors that rise from left to right, and for two shapes that lie apart: then the "
        "uncertainty tells what to doubt.",
    ),
    "learning-curve": Caption(
        "Validation log-loss against training rows",
        "Look at the right end: where the line still falls, more rows would help.",
    ),
    "weights": Caption(
        "Weights of each layer",
        "Look for a spike at 0, of units that nothing reaches, and for single weights far out, "
        "which decide too much.",
    ),
    "hidden": Caption(
        "Hidden values of each layer",
        "Look for a layer that is nearly all zero or saturated: it passes little on.",
    ),
}
