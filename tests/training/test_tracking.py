"""Runs in TensorBoard's event files and in MLflow."""

from pathlib import Path

import mlflow
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from training.config_file import read_config, read_settings
from training.errors import TrackingFailed
from training.pipeline import run
from training.select_config import SelectConfig
from training.selection import run_selection

# MLflow's own tables are written for an older SQLAlchemy.
LIBRARY_WARNS = pytest.mark.filterwarnings("ignore")


def test_every_epoch_is_in_the_event_files(tmp_path: Path) -> None:
    flags = {"dataset": "iris", "epochs": 4, "report": "none", "models": tmp_path / "models"}

    done = run(read_config(None, {**flags, "tensorboard": tmp_path / "events"}))

    found = EventAccumulator(str(tmp_path / "events/iris")).Reload()
    losses = [event.value for event in found.Scalars("validation_loss")]
    expected = [epoch.validation_loss for epoch in done.manifest.history.epochs]
    assert losses == pytest.approx(expected)
    (accuracy,) = found.Scalars("final/test_accuracy")
    assert accuracy.value == pytest.approx(done.manifest.scores.test.accuracy)


@LIBRARY_WARNS
def test_selection_is_logged_to_mlflow_with_its_files(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    mlflow.set_tracking_uri(uri)
    mlflow.create_experiment("iris", artifact_location=(tmp_path / "artifacts").as_uri())
    flags = {"dataset": "iris", "epochs": 4, "models": tmp_path / "models", "mlflow": uri}
    flags |= {"vary": ["dropout=0.1,0.5"], "runs": tmp_path / "runs", "report": "none"}

    done = run_selection(read_settings(SelectConfig, None, flags))

    (logged,) = mlflow.search_runs(experiment_names=["iris"], output_format="list")
    assert logged.data.metrics["test_log_loss"] == done.manifest.scores.test.log_loss
    assert logged.data.params["dataset"] == "iris"
    assert list((tmp_path / "artifacts").rglob("model.onnx"))


@LIBRARY_WARNS
def test_mlflow_that_does_not_take_the_run_leaves_the_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    flags = {"dataset": "iris", "epochs": 2, "report": "none", "models": tmp_path / "models"}

    with pytest.raises(TrackingFailed, match="is published, but MLflow has not taken the run"):
        run(read_config(None, {**flags, "mlflow": "http://127.0.0.1:1"}))

    assert (tmp_path / "models/iris/1/manifest.json").exists()
