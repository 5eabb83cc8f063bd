"""Long bodies on real sockets: whoever else asks is answered meanwhile, and everybody in order."""

import json
import select
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest

from service.api.direct import LONG_BYTES
from tests.service.conftest import MODELS
from tests.service.raw_http import BODY, PATH, connected, in_chunks, request_of
from tests.service_process import PATIENCE_S, Service, started

MIB = 1024 * 1024
CHUNKED = "Transfer-Encoding: chunked"
LIVE = request_of(b"", "/v2/health/live", method="GET")
TWO_ROWS = json.dumps({"instances": [[1.0] * 64, [0.0] * 64]}).encode()
OBJECTS = json.dumps(
    {"inputs": {name: [2.0] * 1000 for name in (f"pixel_{i // 8}_{i % 8}" for i in range(64))}}
).encode()


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with started("--models", MODELS) as service:
        yield service


def _long(body: bytes) -> bytes:
    return body + b" " * (LONG_BYTES + 1 - len(body))


def _keys() -> bytes:
    return ("{" + ",".join(f'"k{i}":1' for i in range(1_200_000)) + "}").encode()


def _empty_rows() -> bytes:
    return b'{"instances":[' + b",".join([b"[]"] * 5_000_000) + b"]}"


def _columns() -> bytes:
    return ('{"inputs":{' + ",".join(f'"c{i}":[1]' for i in range(1_100_000)) + "}}").encode()


def _sound_rows() -> bytes:
    return json.dumps({"instances": [[0.123456789012345] * 64] * 10_000}).encode()


def _sound_columns() -> bytes:
    """Half of 16 MiB of what only the general decoder reads."""
    names = [f"pixel_{i // 8}_{i % 8}" for i in range(64)]
    return json.dumps({"inputs": dict.fromkeys(names, [0.123456789] * 10_000)}).encode()


@pytest.mark.parametrize(
    ("made", "status"),
    [(_keys, 422), (_empty_rows, 413), (_columns, 422)],
    ids=["keys", "empty rows", "columns"],
)
def test_others_are_answered_while_hostile_bodies_are_in_progress(
    service: Service, made: Callable[[], bytes], status: int
) -> None:
    answered_meanwhile = _answered_beside(service, request_of(made()), status)

    # On the loop the six would be refused one after another, and nobody answered between them.
    assert answered_meanwhile >= 4


@pytest.mark.parametrize("made", [_sound_rows, _sound_columns], ids=["rows", "columns"])
def test_sound_long_bodies_are_answered_beside_others(
    service: Service, made: Callable[[], bytes]
) -> None:
    _answered_beside(service, request_of(made()), 200)


def _answered_beside(service: Service, request: bytes, status: int) -> int:
    """How often others are answered until six such requests, begun at once, have this status."""
    with ExitStack() as stack:
        asking = [stack.enter_context(connected(service)) for _ in range(6)]
        other = stack.enter_context(connected(service))
        for connection in asking:
            connection.send(request[:-1])
        for connection in asking:
            connection.send(request[-1:])

        answered = 0
        while len(select.select([connection.raw for connection in asking], [], [], 0)[0]) < 6:
            other.send(LIVE + request_of())
            assert (other.receive()[0], other.receive()[0]) == (200, 200)
            answered += 1

        assert [connection.receive()[0] for connection in asking] == [status] * 6
    return answered


@pytest.mark.parametrize("verb", [":predict", ":activations"])
def test_long_and_short_way_answer_the_same(service: Service, verb: str) -> None:
    url = service.url + PATH.replace(":predict", verb)
    for body in (TWO_ROWS, OBJECTS, b'{"instances": [[1]]}', b"{]", b"[]"):
        # A body is the longer for blanks alone.
        assert len(body) <= LONG_BYTES
        short, long = (httpx.post(url, content=sent) for sent in (body, _long(body)))

        assert long.status_code == short.status_code
        answers = [answer.json() for answer in (short, long)]
        for answer in answers:
            answer.pop("request_id", None)
        assert answers[0] == answers[1]
        if short.status_code == 200:
            assert short.content == long.content


def test_long_body_of_points_is_answered(service: Service) -> None:
    url = service.url + "/v1/activations/tanh:evaluate"
    short, long = (httpx.post(url, content=b) for b in (b'{"x":[1]}', _long(b'{"x":[1]}')))

    assert (long.status_code, long.content) == (200, short.content)


def test_requests_after_a_long_one_on_its_connection_are_answered_after_it(
    service: Service,
) -> None:
    def named(body: bytes, name: str, *headers: str) -> bytes:
        sent = in_chunks(body) if headers else body
        return request_of(sent, PATH, f"X-Request-Id: {name}", *headers)

    long = _long(TWO_ROWS)
    with connected(service) as connection:
        connection.send(
            named(long, "1") + named(BODY, "2") + named(long, "3", CHUNKED) + named(BODY, "4")
        )

        answers = [connection.receive() for _ in range(4)]

    assert [headers["x-request-id"] for _, headers, _ in answers] == ["1", "2", "3", "4"]
    assert [len(json.loads(body)["predictions"]) for _, _, body in answers] == [2, 1, 2, 1]


def test_stop_waits_for_a_long_body_and_its_answer() -> None:
    with started("--models", MODELS) as service, connected(service) as connection:
        connection.send(request_of(_sound_columns()))
        service.process.terminate()

        status, headers, body = connection.receive()

        assert (status, headers["connection"]) == (200, "close")
        assert len(json.loads(body)["predictions"]) == 10_000
        assert service.process.wait(PATIENCE_S) == 0


def _far_cells(service: Service) -> float:
    """Cells of the digits model beyond the range of its training rows, so far."""
    return sum(
        float(line.rpartition(" ")[2])
        for line in httpx.get(service.url + "/metrics").text.splitlines()
        if line.startswith("mlpserve_unusual_cells_total")
        and 'kind="out_of_range",model="digits"' in line
    )


def test_rows_of_a_long_body_are_counted(service: Service) -> None:
    far = json.dumps({"instances": [[1000.0] * 64] * 9}).encode()
    before = _far_cells(service)

    for _ in range(2):
        httpx.post(service.url + PATH, content=_long(far)).raise_for_status()

    # Constant pixels are not used, and have no range that a cell could be out of.
    risen = _far_cells(service) - before
    assert risen > 0
    assert risen % (2 * 9) == 0
