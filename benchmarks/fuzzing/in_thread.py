"""The service in a thread of this process: started, looked into, and stopped, many times over."""

import asyncio
import logging
import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn

from benchmarks.fuzzing.requests import BODY_LIMIT, HEAD_LIMIT
from service.app import create_app
from service.outbox import Outbox
from service.server import DirectProtocol
from service.settings import Settings

PATIENCE_S = 20.0
# Longer than a busy machine takes for what is due.
_DRAIN_LIMIT_S = 15.0
# Longer than any example: a connection that is idle meanwhile is not closed because of it.
_KEEP_ALIVE_S = 300


class ServiceInThread:
    """A service with small limits on a port of its own."""

    def __init__(self, models: Path, *, drain_limit_s: float = _DRAIN_LIMIT_S) -> None:
        settings = Settings(
            models=models,
            drain_limit_s=drain_limit_s,
            body_limit_bytes=BODY_LIMIT,
            head_limit_bytes=HEAD_LIMIT,
            log_level="error",
        )
        listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = listener.getsockname()[1]
        self._server = _Server(_config(settings))
        self._thread = threading.Thread(target=self._run, args=(listener,), daemon=True)
        self._thread.start()
        self._wait_until_ready()
        # The app has configured the log by then.
        self.failures = _Failures()

    def settle(self) -> None:
        """Return when all that was sent before has been read, but where reading is paused."""
        assert self.status("/v2/health/live") == 200

    def status(self, path: str) -> int:
        """The status of a GET on a connection of its own."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S) as raw:
            raw.sendall(b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % path.encode())
            return int(raw.recv(1024).split(b" ", 2)[1])

    def wait_for_connections(self, count: int) -> None:
        """Return when no more than so many are left. Raises TimeoutError."""
        _wait(lambda: len(self._server.server_state.connections) <= count)

    def wait_until_left(self) -> None:
        """Return when no connection is left and no task works for one. Raises TimeoutError."""
        self.wait_for_connections(0)
        _wait(lambda: not self._server.server_state.tasks)

    def begin_to_stop(self) -> None:
        """What a signal does."""
        self._server.should_exit = True

    def listens(self) -> bool:
        """Whether a client can connect."""
        with socket.socket() as raw:
            return raw.connect_ex(("127.0.0.1", self.port)) == 0

    def wait_until_deaf(self) -> None:
        """Return when it has begun to stop. Raises TimeoutError."""
        _wait(lambda: not self.listens())

    def wait_until_stopped(self) -> None:
        """Return when the service has ended. Raises TimeoutError."""
        self._thread.join(PATIENCE_S)
        self.failures.close()
        if self._thread.is_alive():
            raise TimeoutError("the service did not stop")

    def close(self) -> None:
        """Stop it."""
        self.begin_to_stop()
        self.wait_until_stopped()

    def _wait_until_ready(self) -> None:
        _wait(lambda: self._server.started)
        _wait(lambda: self.status("/v2/health/ready") == 200)

    def _run(self, listener: socket.socket) -> None:
        with listener:
            self._server.run([listener])


class _Server(uvicorn.Server):
    """uvicorn's, which leaves no connection behind, as a process that ends."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)


class _Failures(logging.Handler):
    """What was logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []
        logging.getLogger().addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

    def close(self) -> None:
        logging.getLogger().removeHandler(self)
        super().close()


def _config(settings: Settings) -> uvicorn.Config:
    """As `python -m service` has it, but for the times."""
    # uvicorn counts fractions of a second as well, whatever its types say.
    drain_limit_s: Any = settings.drain_limit_s
    protocol: Any = partial(
        DirectProtocol, outbox=Outbox(), head_limit_bytes=settings.head_limit_bytes
    )
    return uvicorn.Config(
        partial(create_app, settings),
        factory=True,
        loop="uvloop",
        http=protocol,
        ws="none",
        lifespan="on",
        timeout_graceful_shutdown=drain_limit_s,
        timeout_keep_alive=_KEEP_ALIVE_S,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )


def _wait(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError("the service did not get there")
        time.sleep(0.002)
