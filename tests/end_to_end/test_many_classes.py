"""A table of very many classes, trained in a process of its own: make test-large."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.end_to_end.peak import peak_of_fit

pytestmark = pytest.mark.large

CLASSES, ROWS_A_CLASS, FEATURES = 10_000, 5, 8
# Of one core that does nothing else it takes 20 s.
SECONDS, LIMIT = 120, 2 * 2**30


@pytest.fixture
def ten_thousand_classes(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A CSV of five rows around the centre of each class."""
    if "large" not in request.config.getoption("-m"):
        pytest.skip("run by make test-large")
    generator = np.random.default_rng(0)
    class_index = generator.permutation(np.repeat(np.arange(CLASSES), ROWS_A_CLASS))
    centres = 3 * generator.standard_normal((CLASSES, FEATURES))
    x = centres[class_index] + generator.standard_normal((len(class_index), FEATURES))
    lines = [",".join([*(f"x{i}" for i in range(FEATURES)), "y"])]
    lines += [
        ",".join([*(f"{value:.4f}" for value in row), f"class {number}"])
        for row, number in zip(x, class_index, strict=True)
    ]
    path = tmp_path / "many.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_ten_thousand_classes_train_within_two_minutes_and_two_gibibytes(
    ten_thousand_classes: Path, tmp_path: Path
) -> None:
    flags = ("--target", "y", "--epochs", "2", "--threads", "1", "--models", tmp_path / "m")

    peak = peak_of_fit("--data", ten_thousand_classes, *flags, seconds=SECONDS)

    assert peak <= LIMIT
    manifest = json.loads((tmp_path / "m/many/1/manifest.json").read_text())
    assert len(manifest["labels"]) == CLASSES
    # Guessing comes to the logarithm of the number of classes.
    assert manifest["scores"]["test"]["log_loss"] < np.log(CLASSES)
    # A card is for people, however many classes there are.
    assert (tmp_path / "m/many/1/card.md").stat().st_size < 64 * 1024
    assert max(p.stat().st_size for p in (tmp_path / "m/many/1/plots").iterdir()) < 512 * 1024
