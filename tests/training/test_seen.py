"""evaluate on the rows that a version was trained on."""

import json
from pathlib import Path

import polars as pl
import pytest

from training.__main__ import main
from training.config_file import read_config
from training.finish import Run
from training.pipeline import run
from training.seen import SeenTable, seen_table
from training.tables.files import read_data
from training.tables.stream import ParquetTable

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def done(two_blobs: Path, tmp_path: Path) -> Run:
    """A version trained on two_blobs."""
    flags = {"data": two_blobs, "target": "place", "models": tmp_path / "m", "epochs": 3}
    return run(read_config(None, {**flags, "report": "none"}))


def _evaluate(folder: Path, path: Path, capsys: Capture) -> tuple[str, str]:
    assert main(["evaluate", str(folder), "--data", str(path)]) == 0
    out, err = capsys.readouterr()
    return out.splitlines()[0], err


def test_of_the_table_trained_on_only_the_test_rows_are_scored(
    done: Run, two_blobs: Path, capsys: Capture
) -> None:
    capsys.readouterr()
    line, err = _evaluate(done.folder, two_blobs, capsys)

    assert (
        "the model was trained on this table: scored are only its 18 test rows, not the 72" in err
    )
    test = done.manifest.scores.test
    assert line.startswith(f"accuracy {test.accuracy:.4f} (95 %: ")
    assert f", log-loss {test.log_loss:.4f}, " in line
    assert line.endswith(", 18 rows")


def test_scores_flatter_where_the_split_cannot_be_derived_again(
    done: Run, two_blobs: Path, capsys: Capture
) -> None:
    manifest = done.folder / "manifest.json"
    content = json.loads(manifest.read_text())
    content["settings"]["seed"] = 99
    manifest.write_text(json.dumps(content))
    capsys.readouterr()

    line, err = _evaluate(done.folder, two_blobs, capsys)

    assert "no test rows of it can be told from the others: all 90 rows are scored" in err
    assert "90 rows" in line


def test_other_rows_are_scored_without_a_word(
    done: Run, two_blobs: Path, tmp_path: Path, capsys: Capture
) -> None:
    other = tmp_path / "other.csv"
    other.write_text("".join(two_blobs.read_text().splitlines(keepends=True)[:-1]))
    capsys.readouterr()

    line, err = _evaluate(done.folder, other, capsys)

    assert "trained on" not in err
    assert "89 rows" in line


@pytest.mark.parametrize("part", ["t.parquet", "folder/t.parquet"])
def test_streamed_table_is_known_again_by_its_files(
    part: str, done: Run, two_blobs: Path, tmp_path: Path
) -> None:
    (tmp_path / part).parent.mkdir(exist_ok=True)
    pl.read_csv(two_blobs).write_parquet(tmp_path / part)
    path = tmp_path / part.split("/")[0]
    streamed = ParquetTable(
        path, "place", validation_fraction=0.15, test_fraction=0.2, seed=1, memory=1 << 30
    )
    table = done.manifest.table.model_copy(update={"fingerprint": streamed.fingerprint()})
    manifest = done.manifest.model_copy(update={"table": table})

    seen = seen_table(path, read_data(path), "place", manifest)

    assert seen == SeenTable(test=None)


def test_file_is_read_once(
    done: Run, two_blobs: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []

    def recorded(path: Path) -> bytes:
        read.append(path)
        return read_bytes(path)

    read_bytes = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", recorded)
    _, err = _evaluate(done.folder, two_blobs, capsys)

    assert "the model was trained on this table" in err
    assert read.count(two_blobs) == 1
