"""A state machine over the protocol: clients do what they like, each whole request is answered.

On every connection each request that was sent whole gets one final answer, in order, with its own
id and status; what was sent in part gets none, or is refused; nothing follows a last answer but
the connection's end; and a service that stops does so after the answers that it owes.
"""

import itertools
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    precondition,
    rule,
)

from benchmarks.fuzzing.connection import Connection
from benchmarks.fuzzing.held_runs import held_runs
from benchmarks.fuzzing.in_thread import ServiceInThread
from benchmarks.fuzzing.requests import KINDS, Request, make_request

_MOST_CONNECTIONS, _MOST_PIPELINED, _MOST_CUTS = 5, 6, 4

_STEPS_BEFORE_A_STOP = 12

_lasting = [kind for kind, expected in KINDS.items() if not expected.closes]
_kinds = st.one_of(st.sampled_from(_lasting), st.sampled_from(_lasting), st.sampled_from([*KINDS]))
_several = st.lists(_kinds, min_size=1, max_size=_MOST_PIPELINED)
_places = st.floats(0, 1, exclude_max=True)
_asking = st.sampled_from([kind for kind in KINDS if kind.startswith("go-ahead")])


class Connections(RuleBasedStateMachine):
    """Clients of one service, which is kept until it was told to stop."""

    # Set by who runs the machine.
    models: ClassVar[Path]
    # Requests by their kind, and what was done.
    seen: ClassVar[Counter[str]] = Counter()
    done: ClassVar[Counter[str]] = Counter()
    _kept: ClassVar[ServiceInThread | None] = None

    idle = Bundle("idle")
    begun = Bundle("begun")

    def __init__(self) -> None:
        super().__init__()
        if Connections._kept is None:
            Connections._kept = ServiceInThread(self.models)
        self.service = Connections._kept
        self.stopped = False
        self.there: dict[Connection, None] = {}
        self.steps = 0
        self._ids = itertools.count(1)
        self.done["clients' stories"] += 1

    @classmethod
    def end(cls) -> None:
        """Stop the service that was kept."""
        if cls._kept is not None:
            cls._kept.close()
            cls._kept = None

    @precondition(lambda self: not self.stopped and len(self.there) < _MOST_CONNECTIONS)
    @rule(target=idle, small_buffer=st.booleans())
    def connect(self, small_buffer: bool) -> Connection:
        connection = Connection(self.service.port, small_buffer=small_buffer)
        self.there[connection] = None
        return connection

    @precondition(lambda self: not self.stopped)
    @rule(connection=idle, kinds=_several)
    def send(self, connection: Connection, kinds: list[str]) -> None:
        connection.send(self._requests(kinds))

    @precondition(lambda self: not self.stopped)
    @rule(connection=idle, kinds=_several, cuts=st.lists(_places, min_size=1, max_size=_MOST_CUTS))
    def send_in_pieces(self, connection: Connection, kinds: list[str], cuts: list[float]) -> None:
        connection.send(self._requests(kinds), cuts=cuts)

    @precondition(lambda self: not self.stopped)
    @rule(
        target=begun,
        connection=consumes(idle),
        before=st.lists(_kinds, max_size=2),
        kind=_kinds,
        place=_places,
    )
    def begin(
        self, connection: Connection, before: list[str], kind: str, place: float
    ) -> Connection:
        *whole, last = self._requests([*before, kind])
        connection.begin(whole, last, place)
        return connection

    @precondition(lambda self: not self.stopped)
    @rule(connection=begun, place=_places)
    def proceed(self, connection: Connection, place: float) -> None:
        connection.proceed(place)

    @precondition(lambda self: not self.stopped)
    @rule(target=idle, connection=consumes(begun), after=st.lists(_kinds, max_size=2))
    def finish(self, connection: Connection, after: list[str]) -> Connection:
        connection.finish(self._requests(after))
        return connection

    @precondition(lambda self: not self.stopped)
    @rule(connection=idle, kind=_asking)
    def ask_for_a_go_ahead(self, connection: Connection, kind: str) -> None:
        (request,) = self._requests([kind])
        connection.ask(request)

    @precondition(lambda self: not self.stopped)
    @rule(connection=st.one_of(idle, begun))
    def read(self, connection: Connection) -> None:
        connection.read()

    @precondition(lambda self: not self.stopped)
    @rule(connection=consumes(idle))
    def stop_writing(self, connection: Connection) -> None:
        connection.end_writing()

    @precondition(lambda self: not self.stopped)
    @rule(connection=consumes(begun))
    def stop_writing_in_the_middle(self, connection: Connection) -> None:
        connection.end_writing()

    @precondition(lambda self: not self.stopped)
    @rule(connection=consumes(idle), reset=st.booleans())
    def leave(self, connection: Connection, reset: bool) -> None:
        self._left(connection, reset=reset)

    @precondition(lambda self: not self.stopped)
    @rule(connection=consumes(begun), reset=st.booleans())
    def leave_in_the_middle(self, connection: Connection, reset: bool) -> None:
        self._left(connection, reset=reset)

    @precondition(lambda self: not self.stopped and self.steps > _STEPS_BEFORE_A_STOP)
    @rule(finishing=st.booleans(), kinds=_several)
    def stop_the_service(self, finishing: bool, kinds: list[str]) -> None:
        self.stopped = True
        self.done["stops"] += 1
        Connections._kept = None
        with held_runs():
            for connection in self.there:
                if connection.may_send:
                    connection.send(self._requests(kinds))
            self.service.settle()
            self.service.begin_to_stop()
            for connection in self.there:
                connection.service_stops()
                if finishing and connection.can_finish:
                    connection.finish([])
            self.service.wait_until_deaf()
        for connection in self.there:
            connection.read()
            if not connection.may_send:
                # A stop waits for the rest of what was begun.
                connection.end_writing()
            connection.read_to_end()
        self.service.wait_until_stopped()

    @precondition(lambda self: self.stopped)
    @rule()
    def connect_to_nobody(self) -> None:
        assert not self.service.listens()

    def check_invariants(self, *arguments: Any) -> None:
        """Called after each step, which is counted; an @invariant would be printed as one."""
        self.steps += 1
        self.done["steps"] += 1
        super().check_invariants(*arguments)

    def teardown(self) -> None:
        """Every request has its answer while the connection is open; then it ends."""
        if self.stopped:
            return
        Connections._kept = None
        for connection in self.there:
            connection.read()
        for connection in self.there:
            connection.end_writing()
            connection.read_to_end()
        self.service.wait_until_left()
        assert self.service.failures.lines == []
        Connections._kept = self.service

    def _left(self, connection: Connection, *, reset: bool) -> None:
        connection.leave(reset=reset)
        del self.there[connection]

    def _requests(self, kinds: list[str]) -> list[Request]:
        self.seen.update(kinds)
        return [make_request(kind, f"{kind}-{next(self._ids)}".replace(" ", "-")) for kind in kinds]
