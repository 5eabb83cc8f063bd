"""The models that the benchmark serves: shipped ones, and two that are trained for it."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import orjson
from sklearn.datasets import load_breast_cancer

from benchmarks.serving.servers import ROOT

SMALL, NAMED, WIDE = "fashion-128", "named-10", "wide"


@dataclass(frozen=True)
class Served:
    """One published model: its graph, labels and features."""

    artifact: Path
    labels: list[str | int]
    names: list[str]

    def rows(self, count: int) -> "np.ndarray[tuple[int, int], np.dtype[np.float32]]":
        """Rows like its golden ones, all different."""
        golden = orjson.loads((self.artifact.parent / "manifest.json").read_bytes())["golden"]
        known = np.array(golden["rows"], dtype=np.float64)
        noise = np.random.default_rng(0).normal(1, 0.01, (count, known.shape[1]))
        return (known[np.arange(count) % len(known)] * noise).astype(np.float32)

    def predictions(self, rows: Any) -> list[dict[str, Any]]:
        """What a server must answer, by ONNX Runtime alone."""
        session = ort.InferenceSession(self.artifact)
        (probabilities,) = session.run(["probabilities"], {"features": rows})
        return [
            {
                "label": self.labels[int(row.argmax())],
                "probability": float(row.max()),
                "probabilities": row.astype(float).tolist(),
            }
            for row in probabilities
        ]


def publish(folder: Path) -> dict[str, Served]:
    """Fill a model repository; some ten seconds of training."""
    for name in ("digits", SMALL):
        shutil.copytree(ROOT / "models" / name, folder / name)
    cancer = load_breast_cancer(as_frame=True)
    table = cancer.data.iloc[:, :10].assign(target=cancer.target_names[cancer.target])
    table.to_csv(folder.parent / "named.csv", index=False)
    _train(folder, NAMED, "--data", str(folder.parent / "named.csv"), "--target", "target")
    generator = np.random.default_rng(0)
    x = generator.uniform(0, 255, (400, 784)).astype(np.float32)
    np.savez(folder.parent / "wide.npz", x=x, y=np.arange(400) % 10)
    data = ["--data", str(folder.parent / "wide.npz")]
    _train(folder, WIDE, *data, "--hidden", "1024", "1024", "1024", "--epochs", "1")
    return {name: _served(folder / name / "1") for name in ("digits", SMALL, NAMED, WIDE)}


def _train(folder: Path, name: str, *flags: str) -> None:
    command = [sys.executable, "-m", "training", "fit", "--models", str(folder), "--name", name]
    subprocess.run(
        [*command, "--report", "none", *flags], cwd=ROOT, check=True, capture_output=True
    )


def _served(folder: Path) -> Served:
    manifest = orjson.loads((folder / "manifest.json").read_bytes())
    names = [feature["name"] for feature in manifest["signature"]["features"]]
    return Served(folder / "model.onnx", manifest["labels"], names)
