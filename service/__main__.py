"""python -m service: settings, the app, and the server around it."""

import errno
import logging
import math
import os
import signal
import socket
import sys
from functools import partial
from types import FrameType

import uvicorn
from uvicorn.config import STARTUP_FAILURE

from service import logs
from service.api.metrics import shared_folder
from service.errors import AddressInUse, StartupError
from service.inference.predictor import open_version
from service.model_repository.repository import ModelRepository
from service.outbox import Outbox
from service.server import DirectProtocol
from service.settings import Settings, process_environment, read_settings
from service.supervisor import Supervisor
from service.worker import worker_app

# A worker answers once its libraries are imported: long on a machine that starts many at once.
# While ONNX Runtime opens a graph it answers nothing, and that has a bound of its own.
_HUNG_AFTER_S = 30.0
_LAST_PORT = 65535
_log = logging.getLogger("service")


def main() -> int:
    """Serve until a signal; exit status 2 with one sentence when that cannot start."""
    try:
        settings = read_settings(sys.argv[1:], process_environment())
        logs.configure(settings.log_level)
        ModelRepository(settings.models, open_version).check()
        return _serve(settings, _listen(settings))
    except StartupError as exc:
        print(f"mlpserve: {exc}", file=sys.stderr)
        return 2


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as exc:
        listener.close()
        reason = exc.strerror or str(exc)
        raise AddressInUse(
            f"cannot listen on {settings.host}:{settings.port}: {reason}{_instead(settings, exc)}"
        ) from exc
    return listener


def _instead(settings: Settings, error: OSError) -> str:
    """What to say in place of an address that cannot be listened on."""
    if error.errno == errno.EADDRINUSE:
        port = settings.port + 1 if settings.port < _LAST_PORT else 0
        return f"; --port {port} takes another port (make serve PORT={port})"
    if error.errno == errno.EACCES:
        return "; --port 8000 takes a port that needs no privileges (make serve PORT=8000)"
    return "; --host names an address of this machine, such as 127.0.0.1 or 0.0.0.0"


def _serve(settings: Settings, listener: socket.socket) -> int:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"http://{host}:{listener.getsockname()[1]}"
    _log.info("serving %s on %s (documentation: %s/docs)", settings.models, url, url)
    try:
        if settings.workers == 1:
            # uvicorn shuts down in order and raises the signal once more.
            signal.signal(signal.SIGTERM, signal.default_int_handler)
            _Server(_config(settings, None)).run(sockets=[listener])
        else:
            with shared_folder() as metrics:
                supervisor = Supervisor(
                    _config(settings, metrics),
                    [listener],
                    drain_limit_s=settings.drain_limit_s,
                    hung_after_s=_HUNG_AFTER_S + settings.load_limit_s,
                )
                supervisor.run()
                if supervisor.failed:
                    return STARTUP_FAILURE
    except KeyboardInterrupt:
        pass
    _log.info("stopped")
    return 0


class _Server(uvicorn.Server):
    """uvicorn's, which a second signal ends at once."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop in order, or at once when that has begun already."""
        if self.should_exit:
            os._exit(0)
        super().handle_exit(sig, frame)


def _config(settings: Settings, shared_metrics: str | None) -> uvicorn.Config:
    # uvloop by name: without it a lone connection is many times slower, and uvicorn would fall
    # back in silence.
    return uvicorn.Config(
        partial(worker_app, settings, shared_metrics),
        factory=True,
        loop="uvloop",
        http=partial(DirectProtocol, outbox=Outbox(), head_limit_bytes=settings.head_limit_bytes),  # type: ignore[arg-type]
        ws="none",
        lifespan="on",
        workers=settings.workers,
        timeout_graceful_shutdown=math.ceil(settings.drain_limit_s),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )


if __name__ == "__main__":
    sys.exit(main())
