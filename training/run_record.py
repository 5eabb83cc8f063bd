"""What a run folder says of its run, for whoever looks for one to go on with."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from training.config import RunConfig
from training.errors import CheckpointFailed
from training.locks import host_name
from training.setting_names import flag

RECORD = "run.json"
# Runs, and of each the settings, that are named when there is none to go on with.
_RUNS_SHOWN, _SETTINGS_SHOWN = 3, 4


class RunRecord(BaseModel):
    """The settings of a run, its table's fingerprint, and the process that is at it, on `host`.

    `manifest_sha256` is that of the version which the run was about to publish.
    """

    model_config = ConfigDict(frozen=True)

    settings: dict[str, JsonValue]
    table: str
    process: int
    host: str | None = None
    manifest_sha256: str | None = None

    @classmethod
    def of(cls, config: RunConfig, fingerprint: str, excluded: frozenset[str]) -> Self:
        """That of this process."""
        settings = config.model_dump(mode="json", exclude=set(excluded))
        return cls(settings=settings, table=fingerprint, process=os.getpid(), host=host_name())

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """That of a run folder, if it has one that can be read."""
        try:
            return cls.model_validate_json((folder / RECORD).read_bytes())
        except (OSError, ValidationError):
            return None

    def write(self, folder: Path) -> None:
        """Put it into a folder, whole. Raises CheckpointFailed."""
        staging = folder / (RECORD + ".writing")
        try:
            with staging.open("w", encoding="utf-8") as file:
                file.write(self.model_dump_json(indent=1) + "\n")
                file.flush()
                os.fsync(file.fileno())
            staging.replace(folder / RECORD)
        except OSError as exc:
            raise CheckpointFailed(
                f"{folder}: cannot be written: {exc.strerror}: --runs names another folder"
            ) from exc

    def apart_from(self, other: "RunRecord") -> list[str]:
        """In what this run differs from another one."""
        here, there = self.settings, other.settings
        apart = [
            f"{flag(name)} {_shown(there.get(name))} there, {_shown(here.get(name))} here"
            for name in sorted(here.keys() | there.keys())
            if here.get(name) != there.get(name)
        ]
        return apart if self.table == other.table else [*apart, "other rows"]


def nothing_to_resume(wanted: RunRecord, folder: Path) -> str:
    """The sentence for a run that is not there, with those of the same name that are."""
    name = folder.name.rpartition("-")[0]
    sentence = (
        f"{folder}: there is nothing to resume: expected a run with exactly these settings and "
        "rows that was stopped before its end"
    )
    found = sorted(_others(wanted, folder.parent, name), key=lambda other: len(other[1]))
    told = [
        f"{path.name} differs ({', '.join(apart[:_SETTINGS_SHOWN])}"
        f"{', ...' if len(apart) > _SETTINGS_SHOWN else ''})"
        for path, apart in found[:_RUNS_SHOWN]
    ]
    return sentence + (f"; of those that were, {'; '.join(told)}" if told else "")


def _others(wanted: RunRecord, runs: Path, name: str) -> Iterator[tuple[Path, list[str]]]:
    for path in runs.glob(f"{name}-*"):
        other = RunRecord.read(path)
        if other is not None and other.settings.get("name") == name:
            yield path, wanted.apart_from(other)


def _shown(value: JsonValue) -> str:
    if isinstance(value, list):
        text = " ".join(map(str, value)) or "none"
    else:
        text = "none" if value is None else str(value)
    return text if len(text) <= 60 else text[:57] + "..."
