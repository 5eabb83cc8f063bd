"""The app in a process that serves."""

import multiprocessing
import os
import signal
import threading
import time
from multiprocessing.process import BaseProcess

from service.api.asgi import Direct
from service.app import create_app
from service.inference.trials import Trials
from service.settings import Settings

# After the requests in progress had their time.
_MARGIN_S = 2.0


def worker_app(settings: Settings, shared_metrics: str | None) -> Direct:
    """The app; where another process started this one, it ends with that process."""
    # The sooner, the less is there for it to inherit.
    trials = Trials(settings.models, limit_s=settings.load_limit_s)
    parent = multiprocessing.parent_process()
    if parent is not None:
        ending = (parent, settings.drain_limit_s + _MARGIN_S)
        threading.Thread(target=_end_with, args=ending, daemon=True).start()
    return create_app(settings, shared_metrics, trials)


def _end_with(parent: BaseProcess, limit_s: float) -> None:
    # Workers that outlived the process which replaces them would hold the port for good.
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(limit_s)
    os._exit(1)
