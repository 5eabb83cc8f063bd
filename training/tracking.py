"""What others' tools show of a run: TensorBoard event files, and MLflow."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from service.model_repository.manifest import Manifest
from training.config import RunConfig
from training.errors import TrackingFailed
from training.fitting.early_stopping import EpochRecord

_CURVES = ("training_loss", "training_accuracy", "validation_loss", "validation_accuracy")


def with_event_files(
    records: Iterable[EpochRecord], folder: Path | None, name: str
) -> Iterator[EpochRecord]:
    """The same epochs, each written to TensorBoard as it passes, in <folder>/<name>."""
    if folder is None:
        yield from records
        return
    writer = _writer(folder / name)
    try:
        for record in records:
            for curve in _CURVES:
                writer.add_scalar(curve, getattr(record, curve), record.epoch)
            for layer, norm in enumerate(record.gradient_norms, start=1):
                writer.add_scalar(f"gradient_norm/layer_{layer}", norm, record.epoch)
            writer.flush()
            yield record
    finally:
        writer.close()


def track(config: RunConfig, manifest: Manifest, published: Path) -> None:
    """Log a finished run where the config says. Raises TrackingFailed; the version stays."""
    if config.tensorboard is not None:
        _to_tensorboard(config.tensorboard / manifest.name, manifest)
    if config.mlflow is not None:
        _to_mlflow(config.mlflow, manifest, published)


def _to_tensorboard(folder: Path, manifest: Manifest) -> None:
    writer = _writer(folder)
    if manifest.selection is not None:
        for number, epoch in enumerate(manifest.history.epochs, start=1):
            for curve in _CURVES:
                writer.add_scalar(curve, getattr(epoch, curve), number)
        for place, setting in enumerate(manifest.selection.settings):
            if setting.mean_log_loss is not None:
                writer.add_scalar("selection/mean_log_loss", setting.mean_log_loss, place)
    for name, value in _final(manifest).items():
        writer.add_scalar(f"final/{name}", value, manifest.history.best_epoch)
    writer.close()


def _to_mlflow(uri: str, manifest: Manifest, published: Path) -> None:
    # A run logs to where it is told to, and tells nobody else.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    import mlflow
    from mlflow.exceptions import MlflowException

    try:
        mlflow.set_tracking_uri(uri)
        mlflow.set_experiment(manifest.name)
        with mlflow.start_run(run_name=f"{manifest.name}/{published.name}"):
            mlflow.log_params(manifest.settings)
            for number, epoch in enumerate(manifest.history.epochs, start=1):
                mlflow.log_metrics({c: getattr(epoch, c) for c in _CURVES}, step=number)
            mlflow.log_metrics(_final(manifest))
            mlflow.log_artifacts(str(published))
    except (MlflowException, OSError) as exc:
        first = str(exc).splitlines()[0][:200]
        raise TrackingFailed(
            f"{published} is published, but MLflow has not taken the run: {first}"
        ) from exc


def _final(manifest: Manifest) -> dict[str, float]:
    scores = manifest.scores
    return {
        "validation_accuracy": scores.validation.accuracy,
        "validation_log_loss": scores.validation.log_loss,
        "test_accuracy": scores.test.accuracy,
        "test_log_loss": scores.test.log_loss,
    }


def _writer(folder: Path) -> Any:
    from torch.utils.tensorboard.writer import SummaryWriter

    try:
        return SummaryWriter(str(folder))
    except OSError as exc:
        raise TrackingFailed(f"{folder}: cannot be written: {exc.strerror}") from exc
