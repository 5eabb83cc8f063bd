"""The command line's help: in groups, with choices and defaults, within 100 columns."""

import re
from collections import Counter

import pytest

from tests.service_process import ROOT
from training.arguments import given_settings, help_of, parsed
from training.config import RunConfig
from training.select_config import SelectConfig
from training.setting_groups import GROUPS, choices, grouped
from training.setting_names import flag
from training.suited import FOLLOWS_TABLE

COMMANDS: dict[str, type[RunConfig]] = {"fit": RunConfig, "select": SelectConfig}


@pytest.mark.parametrize("kind", COMMANDS.values(), ids=COMMANDS.keys())
def test_every_setting_is_in_exactly_one_group(kind: type[RunConfig]) -> None:
    placed = Counter(name for names in grouped(kind).values() for name in names)

    assert placed == Counter(list(kind.model_fields))


def test_no_group_has_a_setting_that_is_not_there() -> None:
    grouped_names = [name for names in GROUPS.values() for name in names]

    assert sorted(grouped_names) == sorted(SelectConfig.model_fields)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_a_part_for_every_group_and_a_flag_for_every_setting(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    parts = help_of(command).split("\n\n")

    for title, names in grouped(COMMANDS[command]).items():
        (part,) = (part for part in parts if part.startswith(f"{title}:\n"))
        said = [line.split()[0].rstrip(",") for line in part.splitlines() if line[2:4] == "--"]
        assert said == [flag(name) for name in names]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_names_every_choice_and_default(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    # One entry a flag, each with its own lines alone.
    entries = {
        entry.split()[0].rstrip(","): " ".join(entry.replace("-\n", "-").split())
        for entry in re.split(r"\n(?=  --)", help_of(command))
    }

    for name, field in COMMANDS[command].model_fields.items():
        part = entries[flag(name)]
        assert all(word in part for word in choices(name, field)), name
        if isinstance(field.default, int | float | str) and not isinstance(field.default, bool):
            follows = command == "fit" and name in FOLLOWS_TABLE
            before = "suits the table; " if follows else ""
            assert f"(default: {before}{field.default}" in part, name


@pytest.mark.parametrize("command", ["look", "fit", "select", "evaluate", "predict"])
@pytest.mark.parametrize("columns", ["80", "100", "240"])
def test_help_stays_within_its_columns(
    command: str, columns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)

    for line in help_of(command).splitlines():
        # These are there to be pasted.
        is_whole = line.startswith(("usage:", "example:", " " * len("usage:")))
        assert len(line) <= (100 if is_whole else min(int(columns), 100)), line


@pytest.mark.parametrize("command", ["look", "fit", "select", "evaluate", "predict"])
def test_page_of_the_documentation_shows_the_help_as_it_is(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    page = (ROOT / "docs/cli.md").read_text(encoding="utf-8")

    shown = f"```console\n$ python -m training {command} --help\n{help_of(command)}```"

    assert shown in page, "make help-page writes docs/cli.md anew"


def test_american_spelling_of_a_flag_is_taken() -> None:
    options = parsed(["fit", "--optimizer", "adamw", "--batch-normalization"])

    given = given_settings(options, RunConfig)

    assert given == {"optimiser": "adamw", "batch_normalisation": True}
    assert "optimizer" not in help_of("fit")
