"""The service as a process of its own: what it holds, listens on, and says when it cannot start."""

import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
import psutil
import pytest

from tests.service.conftest import MODELS
from tests.service_process import PATIENCE_S, ROOT, Service, command, started

PREDICT = "/v1/models/digits:predict"
BODY = {"instances": [[0.0] * 64]}
READY_S = 2.0
RESIDENT_MIB, OWN_MIB = 120, 64


Start = Callable[..., Service]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start services that end with the test."""
    with ExitStack() as stack:
        yield lambda *arguments: stack.enter_context(started(*arguments))


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """One service over the shipped models for tests that only look."""
    with started("--models", MODELS) as service:
        yield service


def test_running_service_has_loaded_neither_pytorch_nor_onnx(service: Service) -> None:
    httpx.post(service.url + PREDICT, json=BODY).raise_for_status()

    mapped = {Path(m.path).as_posix() for m in psutil.Process(service.process.pid).memory_maps()}

    assert any("/onnxruntime/" in path for path in mapped)
    foreign = re.compile(r"/(torch|onnx|polars|sklearn|scipy|matplotlib)/")
    assert not [path for path in mapped if foreign.search(path)]


def test_service_imports_no_training_library() -> None:
    code = "import sys, service.__main__; print(*sys.modules)"

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "onnxruntime" in loaded
    assert not loaded & {"torch", "onnx", "training", "polars", "sklearn", "matplotlib"}


def test_memory_with_the_digits_model_is_bounded(start: Start, models: Path) -> None:
    service = start("--models", models)
    for _ in range(50):
        httpx.post(service.url + PREDICT, json=BODY).raise_for_status()

    memory = psutil.Process(service.process.pid).memory_info()

    # Of the libraries' files the kernel maps more after an installation than later: 15 MiB.
    assert memory.rss / 2**20 <= RESIDENT_MIB
    assert (memory.rss - memory.shared) / 2**20 <= OWN_MIB


def test_service_is_ready_within_2_seconds(start: Start) -> None:
    # The quickest of three: the bound is on the service, not on what else the machine does.
    assert min(start("--models", MODELS).loaded_s for _ in range(3)) <= READY_S


def test_service_opens_no_connection_of_its_own(service: Service) -> None:
    httpx.post(service.url + PREDICT, json=BODY).raise_for_status()
    port = int(service.url.rpartition(":")[2])

    connections = psutil.Process(service.process.pid).net_connections()

    assert {c.laddr.port for c in connections if c.laddr} == {port}


def test_library_is_told_to_send_no_usage_data() -> None:
    code = "import service.inference.onnx_model, os; print(os.environ['ORT_DISABLE_TELEMETRY'])"

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "1"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)
def test_signal_ends_the_service_in_order(number: signal.Signals, start: Start) -> None:
    process = start("--models", MODELS).process

    process.send_signal(number)
    _, err = process.communicate(timeout=PATIENCE_S)

    assert process.returncode == 0
    assert "Traceback" not in err


def test_several_workers_answer_on_one_port(start: Start) -> None:
    service = start("--models", MODELS, "--workers", "2")

    answers = [httpx.post(service.url + PREDICT, json=BODY) for _ in range(20)]

    assert {answer.status_code for answer in answers} == {200}
    assert len(_workers(service)) == 2


def test_worker_that_dies_is_replaced_while_the_other_answers(start: Start) -> None:
    service = start("--models", MODELS, "--workers", "2")
    killed, survivor = _workers(service)

    killed.kill()
    deadline = time.monotonic() + PATIENCE_S
    statuses = set()
    while len(now := _workers(service)) < 2 or killed in now:
        assert time.monotonic() < deadline
        statuses.add(httpx.post(service.url + PREDICT, json=BODY).status_code)

    assert statuses <= {200}
    assert survivor in now


def test_workers_end_with_the_process_that_replaces_them() -> None:
    with started("--models", MODELS, "--workers", "2") as service:
        workers, folder = _workers(service), _counted_in(service)

        service.process.kill()

        gone, alive = psutil.wait_procs(workers, timeout=PATIENCE_S)
    assert (len(gone), alive) == (2, [])
    # What nobody was left to remove.
    shutil.rmtree(folder, ignore_errors=True)


def test_scrape_sums_the_requests_of_all_workers(start: Start) -> None:
    service = start("--models", MODELS, "--workers", "2")
    for _ in range(40):
        httpx.post(service.url + PREDICT, json=BODY).raise_for_status()

    text = httpx.get(service.url + "/metrics").text

    assert 'mlpserve_request_seconds_count{status="200",verb="predict"} 40.0' in text
    assert httpx.get(service.url + "/metrics").text == text


def test_what_workers_count_together_is_removed_in_the_end(start: Start) -> None:
    service = start("--models", MODELS, "--workers", "2")
    folder = _counted_in(service)

    service.process.send_signal(signal.SIGTERM)
    service.process.communicate(timeout=PATIENCE_S)

    assert not folder.exists()


def _workers(service: Service) -> list[psutil.Process]:
    """The processes that serve; multiprocessing keeps another one."""
    workers = []
    for child in psutil.Process(service.process.pid).children():
        with suppress(psutil.NoSuchProcess):
            if "spawn_main" in " ".join(child.cmdline()):
                workers.append(child)
    return workers


def _counted_in(service: Service) -> Path:
    """The folder in which the workers count together: its owner's file is held open."""
    opened = [Path(file.path) for file in psutil.Process(service.process.pid).open_files()]
    (owner,) = [path for path in opened if path.name == "owner"]
    return owner.parent


def test_oversized_body_on_a_real_socket_is_refused_and_the_service_goes_on(
    start: Start,
) -> None:
    service = start("--models", MODELS, "--body-limit-bytes", "2048")
    host, _, port = service.url.removeprefix("http://").partition(":")
    head = f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n".encode()

    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(head + b" " * 100)
        answer = connection.recv(4096)
        rest = connection.recv(4096)
        while more := connection.recv(4096):
            rest += more

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"status":413' in answer + rest
    assert httpx.post(service.url + PREDICT, json=BODY).status_code == 200


def test_broken_version_is_logged_and_others_are_served(start: Start, models: Path) -> None:
    shutil.copytree(models / "digits/1", models / "digits/2")
    (models / "digits/2/model.onnx").write_bytes(b"foreign")
    service = start("--models", models)

    answer = httpx.post(service.url + PREDICT, json=BODY).json()
    service.process.send_signal(signal.SIGTERM)
    _, err = service.process.communicate(timeout=PATIENCE_S)

    assert answer["model_version"] == "1"
    assert "model digits version 2 is not served: model.onnx has the sha256" in err


def _run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), cwd=ROOT, capture_output=True, text=True, check=False, timeout=30
    )


def test_port_in_use_is_told(service: Service) -> None:
    port = int(service.url.rpartition(":")[2])

    done = _run("--models", MODELS, "--port", str(port))

    assert done.returncode == 2
    assert done.stderr == (
        f"mlpserve: cannot listen on 127.0.0.1:{port}: Address already in use; "
        f"--port {port + 1} takes another port (make serve PORT={port + 1})\n"
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--models", "no/such"], "mlpserve: there is no model repository at no/such\n"),
        (["--models", "docs"], "mlpserve: no model is published in docs: expected"),
        (["--port", "x"], "mlpserve: --port: expected a whole number, got 'x'"),
        (["--host", "no.such.host.invalid"], "mlpserve: cannot listen on no.such.host.invalid"),
        (["--prot", "1"], 'mlpserve: unknown flag --prot; did you mean "--port"?'),
    ],
    ids=["missing", "empty", "port", "host", "flag"],
)
def test_what_cannot_start_says_why_and_ends_with_status_2(
    arguments: list[str], sentence: str
) -> None:
    done = _run(*arguments)

    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


@contextmanager
def _half_a_request(service: Service) -> Iterator[None]:
    host, _, port = service.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as connection:
        connection.sendall(f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\nContent-Le".encode())
        head = f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{{".encode()
        with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as other:
            other.sendall(head)
            time.sleep(0.2)
            yield


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)
def test_signal_ends_a_service_that_waits_for_half_a_request_with_status_0(
    number: signal.Signals, workers: str, start: Start
) -> None:
    service = start("--models", MODELS, "--workers", workers, "--drain-limit-s", "1")

    with _half_a_request(service):
        service.process.send_signal(number)
        _, err = service.process.communicate(timeout=PATIENCE_S)

    assert service.process.returncode == 0
    assert "Traceback" not in err


@pytest.mark.parametrize("workers", ["1", "2"])
def test_second_signal_ends_the_service_at_once(workers: str, start: Start) -> None:
    service = start("--models", MODELS, "--workers", workers, "--drain-limit-s", "3000")

    with _half_a_request(service):
        service.process.send_signal(signal.SIGTERM)
        time.sleep(1)
        assert service.process.poll() is None
        service.process.send_signal(signal.SIGTERM)
        service.process.communicate(timeout=PATIENCE_S)

    assert service.process.returncode == 0


def test_stopped_worker_does_not_keep_another_from_being_replaced(start: Start) -> None:
    service = start("--models", MODELS, "--workers", "2", "--drain-limit-s", "0")
    stopped, killed = _workers(service)

    stopped.suspend()
    time.sleep(1)
    killed.kill()
    deadline = time.monotonic() + 20
    while killed in (now := _workers(service)) or len(now) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    service.process.send_signal(signal.SIGTERM)
    service.process.communicate(timeout=20)

    assert service.process.returncode == 0


def test_next_start_removes_what_a_killed_service_left(start: Start) -> None:
    with started("--models", MODELS, "--workers", "2") as service:
        workers, left = _workers(service), _counted_in(service)
        service.process.kill()
        psutil.wait_procs(workers, timeout=PATIENCE_S)

    start("--models", MODELS, "--workers", "2")

    assert not left.exists()


def test_worker_counts_on_where_a_killed_one_ended(start: Start) -> None:
    service = start("--models", MODELS, "--workers", "2")
    folder = _counted_in(service)
    for _ in range(10):
        httpx.post(service.url + PREDICT, json=BODY).raise_for_status()
    files = set(folder.glob("*.db"))

    for _ in range(2):
        known = _workers(service)
        known[0].kill()
        deadline = time.monotonic() + PATIENCE_S
        while known[0] in (now := _workers(service)) or len(now) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    text = httpx.get(service.url + "/metrics", timeout=PATIENCE_S).text

    assert 'mlpserve_request_seconds_count{status="200",verb="predict"} 10.0' in text
    assert set(folder.glob("*.db")) == files
