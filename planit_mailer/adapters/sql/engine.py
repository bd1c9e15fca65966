"""Connections: how both databases are opened, and what their errors mean to us."""

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc
from sqlalchemy.engine import make_url

from planit_mailer.core import logs
from planit_mailer.core.errors import ConfigError, Unavailable

log = logs.get(__name__)

BUSY = 30  # seconds that a writer waits for another one: the daemon's longest transaction is far shorter
STALLED = 45  # seconds after which PostgreSQL takes a transaction, and its locks, from a process that says nothing more
WRITING = 0x504C414E4954  # "PLANIT": names the writers' lock in PostgreSQL, where locks are numbers
PATIENCE = 1  # second that a checkpoint waits for readers: the next one comes soon
CONNECT = 10  # seconds
GONE = 40  # seconds within which either side notices that the other's machine is gone (tcp(7))
ALIVE = {"idle": 20, "interval": 5, "count": 4}
OURS = "SELECT pg_has_role(datdba, 'USAGE') FROM pg_database WHERE datname = current_database()"
NO_TRANSACTION = "planit_no_transaction"  # an execution option: what cannot be done inside one
TOO_LARGE = "54"  # PostgreSQL's class of errors about what it cannot hold: that is no server that is away
ANSWER = 300  # characters that are kept of what the database says
PRAGMAS = (
    "PRAGMA foreign_keys=ON",
    f"PRAGMA busy_timeout={BUSY * 1000}",
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",  # NORMAL may lose the last commits when the power fails, and they were answered
    "PRAGMA secure_delete=ON",  # some builds of SQLite leave what was deleted in the file
    "PRAGMA temp_store=MEMORY",  # learners' data goes into no temporary file
)


def parse(url: str) -> URL:
    """The URL of a database that we know. Raises ConfigError."""
    try:
        parsed = make_url(url)
    except exc.ArgumentError:
        raise ConfigError("database.url: it cannot be understood") from None  # the text would show the password
    if (
        parsed.drivername not in ("sqlite", "postgresql+psycopg")
        or not parsed.database
        or parsed.database == ":memory:"
    ):
        raise ConfigError('database.url: write "sqlite:///planit.db" or "postgresql+psycopg://user@host/database"')
    return parsed


def connect(url: URL, *, reading: bool = False) -> Engine:
    """An engine for one kind of transaction. A reading one cannot change anything, whatever is asked of it."""
    if url.drivername == "sqlite":
        return _sqlite(url, reading=reading)
    return _postgresql(url, reading=reading)


def checkpoint(engine: Engine) -> bool:
    """Write SQLite's write-ahead log into the database and empty it. Return False if a reader prevents that now."""
    with speaking(), engine.connect().execution_options(**{NO_TRANSACTION: True}) as connection:
        patience = connection.exec_driver_sql("PRAGMA busy_timeout").scalar()
        connection.exec_driver_sql(f"PRAGMA busy_timeout={PATIENCE * 1000}")
        try:
            return connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").scalar() == 0
        finally:
            connection.exec_driver_sql(f"PRAGMA busy_timeout={patience}")


def rewrite(engine: Engine) -> None:
    """Write PostgreSQL's tables with learners' data anew, under a lock that others wait for.

    A plain VACUUM moves the rows of a page together, and leaves the old bytes in the space between them. The planner's
    statistics quote names and UPINs: they are collected again, and their table is written anew as well.
    """
    with speaking(), engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM (FULL, ANALYZE) learners, outbox")
        if connection.exec_driver_sql(OURS).scalar():
            connection.exec_driver_sql("VACUUM FULL pg_catalog.pg_statistic")
        else:  # PostgreSQL would pass it over with a notice that nobody sees
            log.warning("old values stay in the database's statistics: it belongs to another user")


@contextmanager
def speaking() -> Iterator[None]:
    """Raise database errors as our own: Unavailable, or a mistake of ours without learners' data in its text.

    PostgreSQL quotes values in its messages, so only the kind of a mistake may reach the log.
    """
    try:
        yield
    except (exc.DBAPIError, exc.TimeoutError) as error:
        if isinstance(error, exc.TimeoutError) or _is_away(error):
            raise Unavailable(f"the database cannot be used: {words(error)}") from error
        raise RuntimeError(f"the database refused a statement of ours: {_kind(error)}") from None


def words(error: exc.SQLAlchemyError) -> str:
    """The first line of what the database said; statements and parameters are not repeated."""
    original = error.orig if isinstance(error, exc.DBAPIError) else error
    return (str(original).strip().splitlines() or [type(original).__name__])[0][:ANSWER]


def _is_away(error: exc.DBAPIError) -> bool:
    """True if the database is at fault, and not our statement."""
    if (getattr(error.orig, "sqlstate", None) or "").startswith(TOO_LARGE):
        return False
    broken = type(error.orig) is sqlite3.DatabaseError  # "malformed", "not a database"
    return isinstance(error, exc.OperationalError | exc.InterfaceError) or error.connection_invalidated or broken


def _kind(error: exc.DBAPIError) -> str:
    diagnostics = getattr(error.orig, "diag", None)
    if diagnostics is None:
        return words(error)  # SQLite names tables and columns, never values
    return f"{type(error.orig).__name__} {diagnostics.sqlstate or ''} {diagnostics.constraint_name or ''}".strip()


def _common() -> dict[str, Any]:
    # Values stay readable UTF-8, so that a search for them can prove that they are gone.
    return {"hide_parameters": True, "json_serializer": lambda value: json.dumps(value, ensure_ascii=False)}


def _sqlite(url: URL, *, reading: bool) -> Engine:
    engine = create_engine(url, **_common())

    def create(*_: object) -> None:
        _create_for_the_owner_alone(Path(str(url.database)))

    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # the driver would begin transactions by itself, and too late
        for pragma in (*PRAGMAS, "PRAGMA query_only=ON") if reading else PRAGMAS:
            connection.execute(pragma).close()

    def begin(connection: Connection) -> None:
        # A writer takes the lock at once: two that both read first could never both go on.
        if not connection.get_execution_options().get(NO_TRANSACTION):
            connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    event.listen(engine, "do_connect", create)
    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", begin)
    return engine


def _postgresql(url: URL, *, reading: bool) -> Engine:
    ours = {"tcp_user_timeout": GONE * 1000} | {f"keepalives_{name}": value for name, value in ALIVE.items()}
    engine = create_engine(
        url,
        **_common(),
        pool_pre_ping=True,
        connect_args={"connect_timeout": CONNECT, "application_name": "planit_mailer", **ours},
        isolation_level="REPEATABLE READ" if reading else "READ COMMITTED",  # a reader sees one moment, as on SQLite
        execution_options={"postgresql_readonly": True} if reading else {},
    )
    event.listen(engine, "connect", _limit)
    if not reading:
        event.listen(engine, "begin", _one_writer)
    return engine


def _limit(connection: Any, _record: object) -> None:
    """How long the server waits: for another writer, and for us, so that a dead daemon holds nobody up for a minute."""
    theirs = {f"tcp_keepalives_{name}": str(value) for name, value in ALIVE.items()}
    theirs |= {"tcp_user_timeout": f"{GONE}s"}
    theirs |= {"lock_timeout": f"{BUSY}s", "idle_in_transaction_session_timeout": f"{STALLED}s"}
    connection.autocommit = True  # else they would go with a transaction that is rolled back
    for name, value in theirs.items():
        connection.execute(f"SET {name} = '{value}'")
    connection.autocommit = False


def _one_writer(connection: Connection) -> None:
    """Writers take turns, as on SQLite: what one decides by what it read is still so when it commits.

    Transactions are short, for nothing slow happens inside them; the work between them is what daemons share.
    """
    if not connection.get_execution_options().get(NO_TRANSACTION):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITING})")


def _create_for_the_owner_alone(path: Path) -> None:
    """SQLite gives the files beside it, -wal and -shm, the mode of the database."""
    if not path.exists():
        os.close(open_private(path))


def open_private(path: Path) -> int:
    """Open a file and return its descriptor; a missing file is created for its owner alone. Raises Unavailable."""
    try:
        return os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Unavailable(f"the database cannot be used: {path}: {error.strerror}") from error
