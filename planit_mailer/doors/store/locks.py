"""One daemon a database: a lock that dies with its process."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, text

from planit_mailer.doors.store.engine import open_private, speaking
from planit_mailer.errors import Unavailable

NUMBER = 0x504C414E4954  # "PLANIT": names the lock in PostgreSQL, where locks are numbers


@contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """The operating system's lock on a file. Raises Unavailable where another process has it."""
    file = open_private(path)
    try:
        _take(file)
        yield
    finally:
        os.close(file)  # the file stays: a new one of that name would be another lock


def _take(file: int) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.read(file, 20).decode("ascii", "replace").strip() or "unknown"
        raise Unavailable(f"another planit-mailer serves this database: process {holder}") from error
    os.ftruncate(file, 0)
    os.pwrite(file, f"{os.getpid()}\n".encode(), 0)


@contextmanager
def server_lock(engine: Engine) -> Iterator[None]:
    """PostgreSQL's lock, held by a connection of its own. Raises Unavailable where another process has it."""
    with speaking():
        connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    try:
        with speaking():
            mine = connection.scalar(text("SELECT pg_try_advisory_lock(:number)"), {"number": NUMBER})
        if not mine:
            raise Unavailable("another planit-mailer serves this database")
        yield
    finally:
        connection.invalidate()  # the lock ends with its connection, which must not go back to the pool with it
        connection.close()
