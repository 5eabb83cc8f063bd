"""Settings: flags over variables over defaults, and a sentence for each mistake."""

from pathlib import Path

import pytest

from service.cores import available_cores
from service.errors import SettingsInvalid
from service.settings import PREFIX, Settings, read_settings


def test_defaults_serve_models_on_the_loopback_port_8000() -> None:
    settings = read_settings([], {})

    assert (settings.models, settings.host, settings.port) == (Path("models"), "127.0.0.1", 8000)


def test_as_many_workers_as_there_are_cores_serve_by_default() -> None:
    assert read_settings([], {}).workers == available_cores()


def test_flag_overrules_variable_and_variable_overrules_default() -> None:
    variables = {"MLPSERVE_PORT": "1", "MLPSERVE_ROW_LIMIT": "2"}

    settings = read_settings(["--port", "3"], variables)

    assert (settings.port, settings.row_limit) == (3, 2)


def test_other_variables_are_left_alone() -> None:
    assert read_settings([], {"PORT": "1", "MLPSERVE_OTHER": "x"}) == Settings()


@pytest.mark.parametrize(
    ("arguments", "variables", "sentence"),
    [
        (["--port", "99999"], {}, "--port: expected less than or equal to 65535, got '99999'"),
        ([], {"MLPSERVE_WORKERS": "0"}, "MLPSERVE_WORKERS: expected greater than or equal to 1"),
        (["--row-limit", "many"], {}, "--row-limit: expected a whole number, got 'many'"),
        (["--batching", "some"], {}, "--batching: expected off, auto or a number from 1 to 10000"),
        ([], {"MLPSERVE_BATCHING": "0"}, "MLPSERVE_BATCHING: expected off, auto or a number"),
        (["--cors-origin", "a.example"], {}, "--cors-origin: expected origins such as https://"),
        (["--log-level", "loud"], {}, "--log-level: expected 'debug', 'info', 'warning' or"),
    ],
    ids=["flag", "variable", "word", "batching", "none", "origin", "choice"],
)
def test_value_that_does_not_fit_is_told_with_its_source(
    arguments: list[str], variables: dict[str, str], sentence: str
) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        read_settings(arguments, variables)

    assert sentence in str(caught.value)


@pytest.mark.parametrize("text", ["https://a.example, https://B.example", "https://b.example"])
def test_several_origins_are_given_one_after_the_other(text: str) -> None:
    origins = ("https://a.example", "https://b.example")

    assert read_settings(["--cors-origin", *origins], {}).cors_origin == origins
    found = read_settings([], {"MLPSERVE_CORS_ORIGIN": text}).cors_origin
    assert found == origins[-len(text.split()) :]
    assert read_settings([], {"MLPSERVE_CORS_ORIGIN": ""}).cors_origin == ()


def test_every_mistake_is_told_at_once() -> None:
    with pytest.raises(SettingsInvalid) as caught:
        read_settings(["--port", "x", "--workers", "y"], {})

    assert "--port" in str(caught.value)
    assert "--workers" in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("--prot 8001", 'unknown flag --prot; did you mean "--port"?'),
        ("--row_limit=5", 'unknown flag --row_limit; did you mean "--row-limit"?'),
        ("--colour red", "unknown flag --colour; python -m service --help lists the settings"),
        ("models", 'expected flags, got models; did you mean "--models"?'),
        ("--port", "--port: expected one argument; python -m service --help lists the settings"),
    ],
)
def test_flag_that_is_none_is_told_with_the_nearest(arguments: str, sentence: str) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        read_settings(arguments.split(), {})

    assert str(caught.value) == sentence


def test_help_names_every_setting_and_its_variable(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read_settings(["--help"], {})

    out = capsys.readouterr().out
    assert all("--" + name.replace("_", "-") in out for name in Settings.model_fields)
    assert f"{PREFIX}ROW_LIMIT" in out
