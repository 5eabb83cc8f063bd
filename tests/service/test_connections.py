"""A short form of the state machine of `make fuzz`: clients of all kinds, each with its answers."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from benchmarks.fuzzing.connection import Connection
from benchmarks.fuzzing.connections_machine import Connections
from benchmarks.fuzzing.held_runs import held_runs
from benchmarks.fuzzing.in_thread import ServiceInThread
from benchmarks.fuzzing.requests import KINDS, make_request
from service.codecs.json_hidden import encode_hidden


def test_every_whole_request_has_one_answer_in_order(models: Path) -> None:
    Connections.models = models
    Connections.seen.clear()
    short = settings(
        max_examples=25,
        stateful_step_count=30,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )

    try:
        run_state_machine_as_test(Connections, settings=short)
    finally:
        Connections.end()

    assert Connections.seen.total() >= 300
    assert len(Connections.seen) >= 0.8 * len(KINDS)


@pytest.fixture
def service(models: Path) -> Iterator[ServiceInThread]:
    with closing(ServiceInThread(models)) as service:
        yield service


def test_client_that_leaves_while_several_answers_are_due_is_no_error(
    service: ServiceInThread,
) -> None:
    connection = Connection(service.port)
    with held_runs() as runs:
        connection.send([make_request("thread and chunked", "left")] * 3)
        runs.wait()

        connection.leave(reset=True)
        service.wait_for_connections(0)

    service.wait_until_left()
    assert service.failures.lines == []


def test_client_that_has_left_is_not_encoded(
    service: ServiceInThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[str] = []

    def counted(*args: Any, name: str, version: int) -> bytes:
        encoded.append(name)
        return encode_hidden(*args, name=name, version=version)

    monkeypatch.setattr("service.api.predictions.encode_hidden", counted)
    leaving, staying = Connection(service.port), Connection(service.port)
    with held_runs() as runs:
        leaving.send([make_request("thread", "left")])
        runs.wait()

        leaving.leave(reset=True)
        service.wait_for_connections(1)
        staying.send([make_request("thread", "stayed")])

    staying.read()
    staying.leave(reset=False)
    assert encoded == ["digits"]
    assert service.failures.lines == []


def test_request_whose_body_is_not_whole_when_the_time_to_stop_is_over_is_closed(
    models: Path,
) -> None:
    with closing(ServiceInThread(models, drain_limit_s=0.3)) as service:
        connection = Connection(service.port)
        connection.begin([], make_request("chunked", "half"), 0.9)
        service.settle()

        service.begin_to_stop()

        assert connection.next() is None
        connection.leave(reset=False)
    assert not [line for line in service.failures.lines if "Exception" in line]


def test_refusal_reaches_a_client_that_is_still_sending(service: ServiceInThread) -> None:
    for _ in range(5):
        connection = Connection(service.port, small_buffer=True)
        connection.send([make_request("thread", "before")] * 4)
        connection.send([make_request("too large", "refused")], cuts=(0.2, 0.4, 0.6, 0.8))
        connection.send([make_request("too large", "after")])

        connection.read()
        connection.read_to_end()


def test_client_that_closes_after_its_last_answer_is_let_go_at_once(
    service: ServiceInThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.linger._QUIET_S", 600.0)
    connection = Connection(service.port)
    connection.send([make_request("too large in chunks", "last"), make_request("models", "after")])

    connection.read_to_end()

    service.wait_until_left()
