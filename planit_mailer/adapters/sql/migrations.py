"""Migrations: Alembic, run from inside the program.

A migration is a single transaction, so the lock that all writers take keeps a second one out. Alembic is imported only
if there is something to migrate: it takes a fifth of the start-up time, and few programs need it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import URL, Connection, event, inspect, text

from planit_mailer.adapters.sql import engine as engines
from planit_mailer.core.errors import ConfigError
from planit_mailer.core.paths import folder

if TYPE_CHECKING:
    from alembic.config import Config


def prepare(url: URL) -> str:
    """Make sure that the tables have the revision of this program. Return its name.

    An absent or older SQLite database is migrated. On PostgreSQL, which others may be using, only `migrate` does that.
    Raises ConfigError if it has to be done, or if the database is newer than the program; Unavailable.
    """
    with _connection(url) as connection:
        found = revision(connection)
        _check(found, connection)
    if found == head():
        return found
    if url.drivername != "sqlite":
        what = f"at revision {found}, this version needs {head()}" if found else "without tables"
        raise ConfigError(f"the database is {what}: run planit-mailer migrate")
    return migrate(url)


def migrate(url: URL) -> str:
    """Migrate the tables to the newest revision. Return its name. Raises ConfigError if they are newer; Unavailable."""
    from alembic import command  # noqa: PLC0415  see above

    with _connection(url) as connection:
        _check(revision(connection), connection)
        command.upgrade(configuration(connection), "head")
        return head()


def revision(connection: Connection) -> str | None:
    """The revision of the tables; None if there are none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def head() -> str:
    """The newest revision that this program knows."""
    return known()[-1]


def known() -> tuple[str, ...]:
    """The revisions that this program knows, oldest first: the numbers with which their files' names begin."""
    return tuple(sorted(file.name.partition("_")[0] for file in (folder("migrations") / "versions").glob("*_*.py")))


def configuration(connection: Connection | None = None) -> "Config":
    """Alembic's configuration without a file: an installed package has none."""
    from alembic.config import Config  # noqa: PLC0415  see above

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(folder("migrations")).replace("%", "%%"))
    return config


def _check(found: str | None, connection: Connection) -> None:
    """Raise ConfigError if the database is not ours, or has a newer revision."""
    if found is None:
        if others := inspect(connection).get_table_names():
            raise ConfigError(f"database.url: this database belongs to something else: it has a table {others[0]}")
        return
    if found not in known():
        raise ConfigError(f"the database is at revision {found}, newer than this version of planit-mailer: update it")


@contextmanager
def _connection(url: URL) -> Iterator[Connection]:
    """One transaction on a connection of its own."""
    engine = engines.connect(url)
    if url.drivername == "sqlite":
        # Alembic changes a table by copying it; to drop the old one must not delete what refers to it.
        event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA foreign_keys=OFF").close())
    try:
        with engines.speaking(), engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()
