"""The app in a process of its own."""

import multiprocessing
import os
import signal
import threading
from multiprocessing.process import BaseProcess

from service.api.direct import Direct
from service.app import create_app
from service.settings import Settings


def worker_app(settings: Settings, shared_metrics: str | None) -> Direct:
    """The app; where another process started this one, it ends with that process."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    return create_app(settings, shared_metrics)


def _end_with(parent: BaseProcess) -> None:
    # Workers that outlived the process which replaces them would hold the port for good.
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
