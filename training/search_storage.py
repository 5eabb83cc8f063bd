"""The database of a search, where its workers meet."""

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import optuna
from optuna.exceptions import ExperimentalWarning
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from training.errors import StorageFailed
from training.run_folder import DATABASE, RunFolder
from training.select_config import SelectConfig

HEARTBEAT_S = 20
POLL_S = 0.5
_GRACE_S, _TRIES = 120, 5


@contextmanager
def storage_errors() -> Iterator[None]:
    """What the database may say amid a search. Raises StorageFailed for what it says."""
    with warnings.catch_warnings():
        # Heartbeats are new in Optuna, and meant for its own loop; here the watcher sends them.
        warnings.filterwarnings("ignore", category=ExperimentalWarning)
        warnings.filterwarnings("ignore", message="Heartbeat of storage")
        try:
            yield
        except SQLAlchemyError as exc:
            raise StorageFailed(f"the storage of the search fails: {type(exc).__name__}") from exc


def open_storage(config: SelectConfig, folder: RunFolder | None) -> optuna.storages.RDBStorage:
    """The database of this search: the one asked for, or a file in its folder.

    Raises StorageFailed.
    """
    url = config.storage
    if url is None:
        assert folder is not None
        folder.path.mkdir(parents=True, exist_ok=True)
        url = f"sqlite:///{folder.path / DATABASE}"
    try:
        if config.storage is None:
            return optuna.storages.RDBStorage(url)
        return open_shared(url)
    except (SQLAlchemyError, ImportError, ValueError) as exc:
        # The URL may hold a password: it is not repeated.
        raise StorageFailed(
            "--storage: the database cannot be opened: expected an SQLAlchemy URL such as "
            f"postgresql+psycopg://user@host/database ({type(exc).__name__})"
        ) from exc


def open_shared(url: str) -> optuna.storages.RDBStorage:
    """The storage at this URL, whose tables several workers may be creating at this moment.

    Raises SQLAlchemyError, ImportError and ValueError as Optuna does.
    """
    for _ in range(_TRIES - 1):
        try:
            return _shared(url)
        except (IntegrityError, ProgrammingError, OperationalError) as exc:
            # Another worker was first with one of the tables, which is then there for the next try.
            if isinstance(exc, OperationalError) and not _is_of_sqlite_in_use(exc):
                raise
            time.sleep(POLL_S)
    return _shared(url)


def _is_of_sqlite_in_use(error: OperationalError) -> bool:
    """SQLite has no kind of its own for a table that is there, or for a file that is in use."""
    told = str(error.orig)
    return "already exists" in told or "is locked" in told


def _shared(url: str) -> optuna.storages.RDBStorage:
    return optuna.storages.RDBStorage(
        url,
        # A pool would keep a failed try's connections, and hold one of the server's at all times.
        engine_kwargs={"poolclass": NullPool},
        heartbeat_interval=HEARTBEAT_S,
        grace_period=_GRACE_S,
    )
