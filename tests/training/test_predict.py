"""Predictions as a file: chunk by chunk, whole or not at all, nothing that a spreadsheet runs."""

import csv
import io
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from service.inference.features import Features, numbers_only
from service.inference.predictor import Predictions, Predictor
from tests.service_process import ROOT
from tests.training.conftest import WriteCsv
from training.__main__ import main
from training.answers import ROWS_AT_ONCE
from training.config_file import read_config
from training.errors import TableInvalid
from training.finish import Run
from training.pipeline import run
from training.predict import write_predictions
from training.prediction_files import guarded, written_whole
from training.published import open_folder

FORMULAS = ("=1+1", "+2", "-3 to 0", "@SUM(A1)", "\tx", "plain", "a,b")


class _Watched(Predictor):
    """Notes how many rows each run takes."""

    sizes: list[int]

    def predict(self, features: Features, *, uncertainty: bool = False) -> Predictions:
        self.sizes.append(len(features))
        return super().predict(features, uncertainty=uncertainty)


def _watched(predictor: Predictor) -> _Watched:
    found = _Watched(**{name: getattr(predictor, name) for name in predictor.__dataclass_fields__})
    object.__setattr__(found, "sizes", [])
    return found


def _rows(count: int) -> Features:
    return numbers_only(np.random.default_rng(0).uniform(0, 7, (count, 4)).astype(np.float32))


def test_rows_run_in_chunks_and_come_out_as_one_table(iris: Run) -> None:
    predictor = _watched(open_folder(iris.folder))
    features = _rows(2 * ROWS_AT_ONCE + 5)
    file = io.BytesIO()

    write_predictions(predictor, features, file)

    assert predictor.sizes == [ROWS_AT_ONCE, ROWS_AT_ONCE, 5]
    lines = file.getvalue().decode().splitlines()
    assert len(lines) == len(features) + 1
    last = open_folder(iris.folder).predict(features[-1:])
    assert np.allclose(
        [float(c) for c in lines[-1].split(",")[2:]], last.probabilities[0], atol=1e-6
    )


def test_cells_are_the_probabilities_to_the_last_bit(iris: Run) -> None:
    predictor, features, file = open_folder(iris.folder), _rows(50), io.BytesIO()

    write_predictions(predictor, features, file)

    rows = list(csv.reader(io.StringIO(file.getvalue().decode())))[1:]
    written = np.array([[float(cell) for cell in row[2:]] for row in rows], dtype=np.float32)
    assert (written == predictor.predict(features).probabilities).all()


@pytest.mark.parametrize("label", ["=1+1", "+a", "-a", "@a", "\ta", "\ra", "\na"])
def test_text_label_that_a_spreadsheet_would_run_is_guarded(label: str) -> None:
    assert guarded(label) == "'" + label


@pytest.mark.parametrize(("label", "cell"), [(-1, "-1"), (True, "true"), ("a=b", "a=b")])
def test_numbers_booleans_and_other_text_stay(label: bool | int | str, cell: str) -> None:
    assert guarded(label) == cell


def test_no_cell_of_a_file_of_predictions_is_a_formula(tmp_path: Path, write_csv: WriteCsv) -> None:
    rows = [(i % 7 + 0.01 * i, FORMULAS[i % 7]) for i in range(140)]
    data = write_csv("t.csv", ("x", "l"), rows)
    flags = {"data": data, "target": "l", "models": tmp_path / "m", "epochs": 30, "report": "none"}
    done = run(read_config(None, {**flags, "dropout": 0}))
    out = tmp_path / "p.csv"

    assert main(["predict", str(done.folder), "--data", str(data), "--out", str(out)]) == 0

    with out.open(newline="") as file:
        cells = list(csv.reader(file))
    labels = set(map(str, done.manifest.labels))
    assert {name.removeprefix("probability_") for name in cells[0][2:]} == labels
    assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for row in cells for cell in row)
    told = {row[0] for row in cells[1:]}
    assert told <= {guarded(label) for label in done.manifest.labels}
    assert any(label.startswith("'") for label in told)


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_interrupted_write_leaves_the_old_file_and_nothing_beside_it(
    error: type[BaseException], tmp_path: Path
) -> None:
    path = tmp_path / "p.csv"
    path.write_text("old")

    def write() -> None:
        with written_whole(path) as file:
            file.write(b"half")
            raise error

    with pytest.raises(error):
        write()

    assert path.read_text() == "old"
    assert [found.name for found in tmp_path.iterdir()] == ["p.csv"]


def test_file_is_there_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"

    with written_whole(path) as file:
        file.write(b"whole")
        file.flush()
        assert not path.exists()

    assert path.read_text() == "whole"


def test_pipe_is_written_and_not_replaced(tmp_path: Path) -> None:
    pipe, read = tmp_path / "pipe", list[bytes]()
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()), daemon=True)
    reader.start()

    with written_whole(pipe) as file:
        file.write(b"rows")

    reader.join(timeout=20)
    assert read == [b"rows"]
    assert pipe.is_fifo()


def test_standard_output_that_is_a_pipe_is_written() -> None:
    program = (
        "from pathlib import Path; from training.prediction_files import written_whole\n"
        "with written_whole(Path('/dev/stdout')) as file: file.write(b'rows')"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=False
    )

    assert (done.stdout, done.stderr) == (b"rows", b"")


def test_file_that_is_replaced_keeps_who_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.touch(mode=0o600)

    with written_whole(path) as file:
        file.write(b"rows")

    assert path.stat().st_mode & 0o777 == 0o600


def test_link_stays_a_link_to_the_new_file(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link, real = tmp_path / "p.csv", tmp_path / "real/p.csv"
    link.symlink_to(real)

    with written_whole(link) as file:
        file.write(b"rows")

    assert link.is_symlink()
    assert real.read_bytes() == b"rows"


def test_reader_that_has_seen_enough_is_no_error(iris: Run, tmp_path: Path) -> None:
    data = tmp_path / "t.csv"
    names = iris.manifest.signature.names
    data.write_text("\n".join([",".join(names), *["1,2,3,4"] * 20_000]) + "\n")
    command = [sys.executable, "-m", "training", "predict", str(iris.folder), "--data", str(data)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as done:
        assert done.stdout is not None
        assert done.stderr is not None
        assert done.stdout.readline().startswith(b"label,")
        done.stdout.close()

        assert done.stderr.read() == b""

    assert done.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_full_disk_is_one_sentence(
    iris: Run, write_csv: WriteCsv, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_csv("t.csv", iris.manifest.signature.names, [(5.1, 3.5, 1.4, 0.2)])

    status = main(["predict", str(iris.folder), "--data", str(path), "--out", "/dev/full"])

    error = capsys.readouterr().err
    assert status == 2
    assert error == "mlpserve: /dev/full: cannot be written: No space left on device\n"


def test_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(TableInvalid, match="cannot be written"), written_whole(tmp_path / "no/p"):
        pass
