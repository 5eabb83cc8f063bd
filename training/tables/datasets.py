"""The built-in data sets."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from service.inference.features import numbers_only
from training.errors import TableInvalid
from training.inputs import Column
from training.tables.kinds import Asked
from training.tables.read import read_table
from training.tables.table import Table

_PENGUINS = Path(__file__).parent / "penguins.csv"
# Where the Debian package dataset-fashion-mnist puts it.
_FASHION = Path("/usr/share/datasets/fashion-mnist")
_GARMENTS = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
    "Ankle boot",
)  # fmt: skip


def load_dataset(name: str) -> Table:
    """A built-in data set by its name in config.Dataset. Raises TableInvalid."""
    if name == "penguins":
        table = read_table(_PENGUINS, "species", Asked(), None)
        return replace(table, source="Palmer penguins (Horst, Hill & Gorman 2020)")
    if name == "fashion-mnist":
        return _fashion_mnist()
    if name == "fashion-128":
        return _pooled(_fashion_mnist())
    return _scikit_learn(name)


def _scikit_learn(name: str) -> Table:
    from sklearn import datasets

    loaded = getattr(datasets, "load_" + name.replace("-", "_"))()
    names: Sequence[object] = loaded.target_names
    labels = tuple(n.item() if isinstance(n, np.integer) else str(n) for n in names)
    return Table(
        source=f"scikit-learn: {name}",
        target="target",
        columns=tuple(Column(str(feature), "number") for feature in loaded.feature_names),
        labels=labels,
        features=numbers_only(np.asarray(loaded.data, dtype=np.float32)),
        class_index=np.asarray(loaded.target, dtype=np.int64),
    )


def _fashion_mnist() -> Table:
    if not _FASHION.is_dir():
        raise TableInvalid(
            f"Fashion-MNIST is not installed: on Debian and Ubuntu, "
            f"apt-get install dataset-fashion-mnist puts it into {_FASHION}; else give the folder "
            "of its four files as --data"
        )
    table = read_table(_FASHION, None, Asked(), None)
    return replace(
        table, source="Fashion-MNIST (Xiao et al. 2017)", target="garment", labels=_GARMENTS
    )


def _pooled(table: Table) -> Table:
    """28 x 28 pixels averaged to 16 x 8: 128 features."""
    import torch

    images = torch.from_numpy(table.features.numeric).view(-1, 1, 28, 28)
    pooled = torch.nn.functional.adaptive_avg_pool2d(images, (16, 8)).flatten(1).numpy()
    names = [f"pixel_{row}_{column}" for row in range(16) for column in range(8)]
    return replace(
        table,
        source=f"{table.source}, averaged to 16 x 8 pixels",
        columns=tuple(Column(name, "number") for name in names),
        features=numbers_only(pooled),
    )
