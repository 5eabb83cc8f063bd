"""Publishing: whole or not at all, and never over another version."""

import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from training.errors import PublishFailed
from training.locks import holding, host_name
from training.publish import check_writable, publish

FILES = {"model.onnx": b"model", "manifest.json": b"{}"}


@pytest.fixture
def nobody() -> Iterator[None]:
    """Act as a user without rights, so that a folder can be read-only for root too."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_first_version_is_1_and_holds_the_files(tmp_path: Path) -> None:
    folder = publish(tmp_path / "models", "m", FILES)

    assert folder == tmp_path / "models/m/1"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == FILES


def test_next_version_is_one_more_than_the_newest(tmp_path: Path) -> None:
    (tmp_path / "m/9").mkdir(parents=True)
    (tmp_path / "m/10").mkdir()
    (tmp_path / "m/notes").mkdir()

    assert publish(tmp_path, "m", FILES).name == "11"


def test_versions_published_at_once_get_numbers_of_their_own(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        folders = list(pool.map(lambda _: publish(tmp_path, "m", FILES), range(24)))

    assert sorted(int(folder.name) for folder in folders) == list(range(1, 25))
    assert sorted(path.name for path in (tmp_path / "m").iterdir()) == sorted(
        folder.name for folder in folders
    )


def test_what_a_killed_run_left_is_removed_and_what_a_living_one_has_is_not(
    tmp_path: Path,
) -> None:
    ours = f".publishing-{host_name()}"
    dead, living = tmp_path / f"m/{ours}-1-dead", tmp_path / f"m/{ours}-1-living"
    dead.mkdir(parents=True)
    (dead / "model.onnx").write_bytes(b"half")

    with holding(living, wait=False):
        publish(tmp_path, "m", FILES)

    assert sorted(path.name for path in (tmp_path / "m").iterdir()) == [living.name, "1"]


@pytest.mark.parametrize("host", ["elsewhere", f"of-{host_name()}", f"{host_name()}-2"])
def test_what_another_machine_left_is_told_and_stays(
    host: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    left = tmp_path / f"m/.publishing-{host}-1-left"
    left.mkdir(parents=True)

    check_writable(tmp_path, "m")
    publish(tmp_path, "m", FILES)

    assert sorted(path.name for path in (tmp_path / "m").iterdir()) == [left.name, "1"]
    assert f"{left.name} is another machine's" in capsys.readouterr().err


def test_name_of_a_new_model_is_synced_to_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = set()

    def recorded(descriptor: int) -> None:
        synced.add(Path(f"/proc/self/fd/{descriptor}").resolve())
        fsync(descriptor)

    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", recorded)
    publish(tmp_path / "new/models", "m", FILES)

    assert {tmp_path, tmp_path / "new", tmp_path / "new/models"} <= synced


def test_published_files_can_be_read_by_another_user(tmp_path: Path) -> None:
    folder = publish(tmp_path, "m", FILES)

    assert stat.S_IMODE(folder.stat().st_mode) == 0o755
    assert stat.S_IMODE((folder / "model.onnx").stat().st_mode) == 0o644


def test_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(PublishFailed, match="cannot publish in"):
        publish(tmp_path / "models", "m", {"model.onnx": b"", "no/such/folder": b""})

    assert not list(tmp_path.iterdir())


def test_folder_that_another_run_is_about_to_use_is_not_removed(tmp_path: Path) -> None:
    begun, held = Event(), Event()

    class Failing(dict[str, bytes]):
        def items(self) -> Any:
            begun.set()
            held.wait(30)
            raise OSError("no space")

    with ThreadPoolExecutor(1) as pool:
        failing = pool.submit(publish, tmp_path, "m", Failing())
        begun.wait(30)
        with holding(tmp_path / "m", wait=True):
            held.set()
            wait([failing], timeout=0.3)
            (tmp_path / "m/.publishing-mine").mkdir()
        assert isinstance(failing.exception(30), PublishFailed)

    assert [path.name for path in (tmp_path / "m").iterdir()] == [".publishing-mine"]


def test_checking_leaves_nothing_behind(tmp_path: Path) -> None:
    check_writable(tmp_path / "models", "m")

    assert not list(tmp_path.iterdir())


def test_file_in_the_place_of_the_repository_is_refused(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("")

    with pytest.raises(PublishFailed, match="cannot publish in"):
        check_writable(tmp_path / "models", "m")


def test_read_only_repository_is_refused(tmp_path: Path, nobody: None) -> None:  # noqa: ARG001 - the fixture takes rights away
    with pytest.raises(PublishFailed, match="Permission denied"):
        check_writable(tmp_path, "m")
