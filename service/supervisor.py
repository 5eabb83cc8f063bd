"""The process that starts the workers, replaces those that die or hang, and ends them."""

import logging
import signal
import time
from multiprocessing.connection import wait
from socket import socket
from types import FrameType

from uvicorn.config import STARTUP_FAILURE, Config
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import Process

_LOOK_EVERY_S = 0.5
# One that dies so soon after its start may do so again: its successors come ever later.
_SOON_S, _FIRST_REST_S, _LONGEST_REST_S = 5.0, 0.25, 30.0
# After the requests in progress had their time.
_MARGIN_S = 3.0
_log = logging.getLogger("service")


class Supervisor(Multiprocess):
    """uvicorn's, which waits for no worker: dead, hung and slow ones hold up nothing here."""

    def __init__(
        self, config: Config, sockets: list[socket], *, drain_limit_s: float, hung_after_s: float
    ) -> None:
        super().__init__(config, sockets)
        self.failed = False
        self._drain_limit_s = drain_limit_s
        self._hung_after_s = hung_after_s
        self._stops = 0
        self._started: dict[Process, float] = {}
        self._asked: dict[Process, float] = {}
        self._rest_s = _FIRST_REST_S
        self._resting_until = 0.0
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)

    def run(self) -> None:
        """Serve until a signal; a second one ends what is still in progress."""
        self.init_processes()
        while not self.should_exit.is_set():
            alive = [process.process.sentinel for process in self._alive()]
            wait(alive, timeout=_LOOK_EVERY_S if len(alive) == len(self.processes) else 0.05)
            self.handle_signals()
            self.keep_subprocess_alive()
        self._end_all()

    def keep_subprocess_alive(self) -> None:
        """Replace the workers that have died, and end those that hang."""
        now = time.monotonic()
        for place, process in enumerate(self.processes):
            if self.should_exit.is_set():
                return
            self._started.setdefault(process, now)
            code = process.exitcode
            if code == STARTUP_FAILURE:
                # It would fail the same way each time.
                self.failed = True
                self.should_exit.set()
            elif code is not None:
                self._replace(place, process, now)
            elif self._hangs(process, now):
                _log.error("worker %s does not answer and is replaced", process.pid)
                process.process.kill()

    def _replace(self, place: int, process: Process, now: float) -> None:
        if now < self._resting_until:
            return
        lived_s = now - self._started[process]
        _log.error("worker %s ended with status %s and is replaced", process.pid, process.exitcode)
        if lived_s < _SOON_S:
            self._resting_until = now + self._rest_s
            self._rest_s = min(2 * self._rest_s, _LONGEST_REST_S)
        else:
            self._rest_s = _FIRST_REST_S
        for known in (self._started, self._asked):
            known.pop(process, None)
        process.parent_conn.close()
        process.child_conn.close()
        self.processes[place] = successor = Process(self.config, self.sockets)
        successor.start()

    def _hangs(self, process: Process, now: float) -> bool:
        """Whether the worker owes an answer for too long; asked and heard without waiting."""
        try:
            while process.parent_conn.poll(0):
                process.parent_conn.recv()
                self._asked.pop(process, None)
            if process not in self._asked:
                process.parent_conn.send(b"ping")
                self._asked[process] = now
        except (OSError, EOFError):
            return False
        return now - self._asked[process] > self._hung_after_s

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stops += 1
        self.should_exit.set()

    def _alive(self) -> list[Process]:
        return [process for process in self.processes if process.exitcode is None]

    def _end_all(self) -> None:
        self.terminate_all()
        deadline = time.monotonic() + self._drain_limit_s + _MARGIN_S
        while alive := self._alive():
            if self._stops > 1 or time.monotonic() > deadline:
                for process in alive:
                    process.process.kill()
                    process.process.join()
                return
            wait([process.process.sentinel for process in alive], timeout=0.1)
