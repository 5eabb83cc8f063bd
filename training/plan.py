"""What the settings come to, once the table is known."""

import torch

from training.config import RunConfig
from training.dropout_rates import rates
from training.encoding import Preprocessing
from training.errors import ConfigInvalid
from training.fitting.trainer import Optimisation
from training.network import Architecture, Perceptron, parameter_count

# Training rows from which on a step takes that many of them.
_BATCH_SIZES = ((0, 32), (20_000, 256), (1_000_000, 1024))
# Steps of AdamW are as large as the learning rate, those of SGD as the gradient says.
_LEARNING_RATES = {"sgd": 0.02, "adamw": 0.001}
# Fewer weights than that are multiplied no faster in bfloat16.
_BFLOAT16_WEIGHTS = 1 << 16


def settled(config: RunConfig, training_rows: int) -> RunConfig:
    """The same run with the defaults that depend on other settings and on the rows filled in."""
    return config.model_copy(
        update={
            "dropout": rates(config),
            "learning_rate": config.learning_rate or _LEARNING_RATES[config.optimiser],
            "batch_size": _batch_size(config, training_rows),
            "weight_decay": _weight_decay(config, training_rows),
        }
    )


def _batch_size(config: RunConfig, training_rows: int) -> int:
    if config.batch_size is None:
        sizes = [size for rows, size in _BATCH_SIZES if rows <= training_rows]
        return min(sizes[-1], training_rows)
    if config.batch_size > training_rows:
        raise ConfigInvalid(
            f"--batch-size: expected at most the {training_rows} training rows, "
            f"got {config.batch_size}"
        )
    if config.batch_size == 1 and config.batch_normalisation:
        raise ConfigInvalid(
            "--batch-size 1 does not go with --batch-normalisation, which needs the variance of a "
            "step's rows: expected 2 or more"
        )
    return config.batch_size


def _weight_decay(config: RunConfig, training_rows: int) -> float:
    if config.weight_decay is not None:
        return config.weight_decay
    # The penalty is a prior: the more rows speak against it, the less it weighs (Bishop 2006,
    # equation 1.67).
    return 0.01 if config.optimiser == "adamw" else min(0.003, 3.5 / training_rows)


def architecture(config: RunConfig, preprocessing: Preprocessing, n_classes: int) -> Architecture:
    return Architecture(
        n_encoded=preprocessing.n_encoded,
        embeddings=preprocessing.embeddings,
        hidden=config.hidden,
        n_classes=n_classes,
        activation=config.activation,
        dropout=config.dropout,
        input_dropout=config.input_dropout,
        batch_normalisation=config.batch_normalisation,
    )


def optimisation(config: RunConfig, network: Perceptron) -> Optimisation:
    assert config.batch_size is not None
    assert config.learning_rate is not None
    assert config.weight_decay is not None
    return Optimisation(
        epochs=config.epochs,
        batch_size=config.batch_size,
        optimiser=config.optimiser,
        learning_rate=config.learning_rate,
        schedule=config.schedule,
        momentum=config.momentum,
        weight_decay=config.weight_decay,
        dtype=_dtype(config, network),
        monitor=config.monitor,
        patience=config.patience,
        seed=config.seed,
        label_smoothing=config.label_smoothing,
        max_norm=config.max_norm,
    )


def _dtype(config: RunConfig, network: Perceptron) -> torch.dtype:
    if config.precision != "auto":
        return torch.float32 if config.precision == "float32" else torch.bfloat16
    capabilities = torch.cpu.get_capabilities()
    has_it = capabilities.get("avx512_bf16") or capabilities.get("amx_bf16")
    is_wide = parameter_count(network) >= _BFLOAT16_WEIGHTS
    return torch.bfloat16 if has_it and is_wide else torch.float32
