"""Locks: several processes share one database, and each lock ends with the process that holds it.

SQLite serves one daemon: the operating system locks a file beside it. PostgreSQL serves several, which claim each piece
of work before they do it. A claim is a session lock of PostgreSQL, not a time written into a row: it ends when its
process is killed or its connection is cut, no clock has to be right, and nothing has to be cleaned up at a start. A
daemon does not notice that its connection was cut, so each commit reads again what it changes.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, TextClause, exc, text

from planit_mailer.adapters.sql import engine as engines
from planit_mailer.adapters.sql.engine import NO_TRANSACTION, speaking
from planit_mailer.core.errors import Rejected, Unavailable

TAKE = text("SELECT pg_try_advisory_lock(hashtextextended(:work, 0))")
LEAVE = text("SELECT pg_advisory_unlock(hashtextextended(:work, 0))")


@contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Lock a file by the operating system. Raises Rejected if another process has locked it, or Unavailable."""
    file = engines.open_private(path)
    try:
        _take(file, path)
        yield
    finally:
        os.close(file)  # the file stays: a new one of that name would be another lock


def _take(file: int, path: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.read(file, 20).decode("ascii", "replace").strip() or "unknown"
        raise Rejected(f"another planit-mailer serves this database: process {holder}") from error
    try:
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
    except OSError as error:  # a full disk
        raise Unavailable(f"the database cannot be used: {path}: {error.strerror}") from error


@contextmanager
def claim(engine: Engine, work: str) -> Iterator[bool]:
    """Claim some work for a `with` block, through a connection of its own; yields False if another process has it."""
    with _session(engine) as connection:
        ours = _said(connection, TAKE, work)
        try:
            yield ours
        finally:
            if ours:
                _leave(connection, work)


@contextmanager
def _session(engine: Engine) -> Iterator[Connection]:
    """A connection without a transaction."""
    with speaking():
        connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT", **{NO_TRANSACTION: True})
    try:
        yield connection
    finally:
        connection.close()


def _said(connection: Connection, statement: TextClause, work: str) -> bool:
    with speaking():
        return bool(connection.scalar(statement, {"work": work}))


def _leave(connection: Connection, work: str) -> None:
    """Give a claim back."""
    try:
        connection.scalar(LEAVE, {"work": work})
    except exc.DBAPIError:
        connection.invalidate()  # it was cut, and the claim went with it
