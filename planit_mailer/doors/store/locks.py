"""One daemon a database: a lock that dies with its process."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, text

from planit_mailer.doors.store.engine import speaking
from planit_mailer.errors import Declined, Unavailable

NUMBER = 0x504C414E4954  # "PLANIT": names the lock in PostgreSQL, where locks are numbers


Ensure = Callable[[], None]  # raises Declined where the lock was lost, and another process has it by now


@contextmanager
def file_lock(path: Path) -> Iterator[Ensure]:
    """The operating system's lock on a file. Raises Declined where another process has it."""
    with speaking():
        file = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        _take(file)
        yield lambda: None  # it cannot be lost
    finally:
        os.close(file)  # the file stays: a new one of that name would be another lock


def _take(file: int) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.read(file, 20).decode("ascii", "replace").strip() or "unknown"
        raise Declined(f"another planit-mailer serves this database: process {holder}") from error
    with speaking():
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)


@contextmanager
def server_lock(engine: Engine) -> Iterator[Ensure]:
    """PostgreSQL's lock, held by a connection of its own. Raises Declined where another process has it."""
    lock = _ServerLock(engine)
    lock.take()
    try:
        yield lock.ensure
    finally:
        lock.release()


class _ServerLock:
    """A lock that is lost with its connection, as when the server is restarted, and is then taken again."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None

    def take(self) -> None:
        with speaking():
            self._connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            mine = self._connection.scalar(text("SELECT pg_try_advisory_lock(:number)"), {"number": NUMBER})
        if not mine:
            self.release()
            raise Declined("another planit-mailer serves this database")

    def ensure(self) -> None:
        if not self._alive():
            self.release()
            self.take()

    def _alive(self) -> bool:
        try:
            with speaking():
                return self._connection is not None and bool(self._connection.scalar(text("SELECT 1")))
        except Unavailable:
            return False

    def release(self) -> None:
        if self._connection is not None:
            self._connection.invalidate()  # the lock ends with its connection, which must not go back to the pool
            self._connection.close()
        self._connection = None
